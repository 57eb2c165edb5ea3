"""A pinned checkpoint: exactly these versions of exactly these objects, and a digest of them.

The digest is taken over what S3 says of each file (relative path, size, ETag), so pinning moves no bytes: the same
content uploaded in the same way pins to the same digest. Whoever reads the files later reads the pinned versions, even
if the objects have been overwritten since.
"""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict

from model_tools.formats.manifest import Manifest

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz")
"""A model URI with one of these endings names an archive that holds a folder."""
MAX_PIN_BYTES = 8 << 20
"""The largest size of a pin as JSON, enough for some 30,000 files."""


class PinnedFile(BaseModel):
    """An object of the checkpoint, at the version that was seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    """The path relative to the model's folder."""
    uri: str
    version_id: str
    size: int
    """The size in bytes."""
    etag: str


class Pin(BaseModel):
    """The checkpoint that `ResolveModel` found; it is stored as `pins/<digest>.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    kind: Literal["folder", "archive"]
    """A folder of files, or one `.tar.gz` that holds them."""
    files: list[PinnedFile]
    manifest: Manifest

    @property
    def digest(self) -> str:
        """The SHA-256 of the files' paths, sizes and ETags in the order of the paths, as 64 hex digits."""
        lines = sorted([file.path, file.size, file.etag] for file in self.files)
        return hashlib.sha256(json.dumps(lines, separators=(",", ":")).encode()).hexdigest()

    @property
    def release_id(self) -> str:
        """`<name>-<first 12 digits of the digest>`: the same checkpoint gives the same id."""
        return f"{self.manifest.name}-{self.digest[:12]}"
