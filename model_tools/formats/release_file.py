"""`release.json`: names the model that a function zip serves. The build writes the file, serving reads it at init.

The file also names the execution, so that each publication has different code: Lambda publishes no new version when
neither code nor configuration has changed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from model_tools.formats.runtime_reference import PartName, RuntimeReference

RELEASE_FILE = "release.json"
RELEASE_VARIABLE = "RELEASE"
"""The environment variable that holds a container image's release: an image's files cannot be changed."""


class ArchiveReference(BaseModel):
    """The address of a `model.tar.gz`, and the digest and sizes that it must have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    """The address, s3://bucket/models/<name>/<sha256>/model.tar.gz."""
    sha256: str
    """The digest of the whole file, 64 hex digits."""
    size: int
    """The size of the file in bytes."""
    unpacked: int
    """The size of all members together in bytes, which they take in /tmp while the model is loaded."""


class ReleaseFile(BaseModel):
    """The contents of `release.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    release_id: str
    execution: str
    archive: ArchiveReference
    runtime: RuntimeReference | None = None
    """The bundle that the model was traced and proved with; None where the library is installed (the image lane)."""
    part: PartName = "serving"
    """The part of the bundle that serving this model needs."""


def find_release(folder: Path, environment: Mapping[str, str]) -> ReleaseFile | None:
    """Return the release that a function serves, or None for the bootstrap version, which serves none.

    A RELEASE_FILE in the function's folder goes before RELEASE_VARIABLE in its environment.
    """
    path = folder / RELEASE_FILE
    if path.exists():
        return ReleaseFile.model_validate_json(path.read_bytes())
    text = environment.get(RELEASE_VARIABLE)
    return ReleaseFile.model_validate_json(text) if text else None
