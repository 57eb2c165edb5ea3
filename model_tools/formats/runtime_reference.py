"""The reference to a runtime bundle. The bundle's build writes it; tracing and serving load the bundle by it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from model_tools.formats.manifest import Library

BLOCK = 4096
"""Bytes of a file system's block; a file takes whole blocks."""
FOLDER = "runtimes/"
"""The prefix of all keys of bundles and of pointers to them in the artifacts bucket."""
VIRTUAL_ROOT = "/runtime-bundle"
"""The folder that a bundle's compiled files name as their home. It never exists on a disk.

Modules that are held in memory keep this path; Python corrects it for those that it imports from files.
"""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 as 64 hex digits."""

PartName = Literal["serving", "whole"]
"""Serving needs the beginning of a bundle only; training, tracing and a model's own code may need all of it."""


class Part(BaseModel):
    """The first bytes of a bundle, or all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Digest
    """The digest of the part's compressed bytes."""
    size: Annotated[int, Field(ge=1)]
    """The number of compressed bytes."""
    unpacked_size: Annotated[int, Field(ge=1)]
    """Bytes of its files once unpacked, each rounded up to whole blocks of 4 KiB, and a block for each folder."""


class RuntimeReference(BaseModel):
    """A runtime bundle's address, digest and sizes, and the Python and processor that it was built for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Library
    uri: str
    """The address, s3://bucket/runtimes/<sha256>.tar.zst."""
    sha256: Digest
    """The digest of the whole compressed file."""
    size: Annotated[int, Field(ge=1)]
    """The size of the compressed file in bytes."""
    unpacked_size: Annotated[int, Field(ge=1)]
    """Bytes of its files once unpacked, each rounded up to whole blocks of 4 KiB, and a block for each folder."""
    python: Annotated[str, StringConstraints(pattern=r"^3\.\d{1,2}$")]
    """The version of Python that the bundle is for, such as 3.11."""
    platform: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
    """The processor as `uname -m` names it: x86_64 or aarch64."""
    packages: dict[str, str]
    """The versions of the packages in the bundle, by the packages' names."""
    serving: Part
    """The beginning of the bundle that is enough to serve models without code of their own."""

    def part(self, name: PartName) -> Part:
        """Return the size and digest of a part of the bundle."""
        if name == "serving":
            return self.serving
        return Part(sha256=self.sha256, size=self.size, unpacked_size=self.unpacked_size)


def bundle_key(sha256: str) -> str:
    """Return the key of a bundle in the artifacts bucket."""
    return f"{FOLDER}{sha256}.tar.zst"


def pointer_key(name: Library) -> str:
    """Return the key of the object that names the stack's current bundle: a RuntimeReference as JSON."""
    return f"{FOLDER}{name}.json"


def room_taken(size: int) -> int:
    """Return the bytes that a file of this size takes on a disk, which are whole blocks."""
    return -(-size // BLOCK) * BLOCK
