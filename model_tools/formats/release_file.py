"""`release.json`: what a function zip serves. Written by the build, read by serving at init.

It names the execution, so each publication has code of its own: Lambda publishes nothing when neither code nor
configuration changed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from model_tools.formats.runtime_reference import PartName, RuntimeReference

RELEASE_FILE = "release.json"
RELEASE_VARIABLE = "RELEASE"
"""The environment variable that holds the release of a container image, whose files stay as they are."""


class ArchiveReference(BaseModel):
    """Where a `model.tar.gz` is, and what it must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    """s3://bucket/models/<name>/<sha256>/model.tar.gz"""
    sha256: str
    """The digest of the whole file, 64 hex digits."""
    size: int
    """Bytes."""
    unpacked: int
    """Bytes of its members together: what lies in /tmp while the model is loaded."""


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
    """The part of that bundle that serving needs."""


def find_release(folder: Path, environment: Mapping[str, str]) -> ReleaseFile | None:
    """Return the release that a function serves: its file, else its variable, else None for the bootstrap version."""
    path = folder / RELEASE_FILE
    if path.exists():
        return ReleaseFile.model_validate_json(path.read_bytes())
    text = environment.get(RELEASE_VARIABLE)
    return ReleaseFile.model_validate_json(text) if text else None
