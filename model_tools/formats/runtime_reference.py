"""A runtime bundle's name and what it must be: written by its build, read by whoever loads it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from model_tools.formats.manifest import Library

BLOCK = 4096
"""Bytes by which a file system hands out room."""
FOLDER = "runtimes/"
VIRTUAL_ROOT = "/runtime-bundle"
"""The folder that a bundle's files say they lie in until they are put elsewhere; it never exists."""

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


PartName = Literal["serving", "whole"]
"""Serving needs the beginning of a bundle only; training, tracing and a model's own code may need all of it."""


class Part(BaseModel):
    """The first bytes of a bundle, or all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Digest
    """The digest of these compressed bytes."""
    size: Annotated[int, Field(ge=1)]
    """Compressed bytes."""
    unpacked_size: Annotated[int, Field(ge=1)]
    """Bytes of its files once unpacked, each rounded up to whole blocks of 4 KiB, and a block for each folder."""


class RuntimeReference(BaseModel):
    """Where a runtime bundle is, what its bytes are, and what it is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Library
    uri: str
    """s3://bucket/runtimes/<sha256>.tar.zst"""
    sha256: Digest
    """The digest of the whole compressed file."""
    size: Annotated[int, Field(ge=1)]
    """Bytes of the compressed file."""
    unpacked_size: Annotated[int, Field(ge=1)]
    """Bytes of its files once unpacked, each rounded up to whole blocks of 4 KiB, and a block for each folder."""
    python: Annotated[str, StringConstraints(pattern=r"^3\.\d{1,2}$")]
    """3.11"""
    platform: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,32}$")]
    """The processor as `uname -m` names it: x86_64 or aarch64."""
    packages: dict[str, str]
    """Versions by name."""
    serving: Part
    """The beginning of the bundle that is enough to serve models without code of their own."""

    def part(self, name: PartName) -> Part:
        """Return what has to be read of the bundle."""
        if name == "serving":
            return self.serving
        return Part(sha256=self.sha256, size=self.size, unpacked_size=self.unpacked_size)


def bundle_key(sha256: str) -> str:
    """Return where a bundle is in the artifacts bucket."""
    return f"{FOLDER}{sha256}.tar.zst"


def pointer_key(name: Library) -> str:
    """Return where the artifacts bucket says which bundle the stack uses now: a RuntimeReference as JSON."""
    return f"{FOLDER}{name}.json"


def room_taken(size: int) -> int:
    """Return the bytes that a file of this size takes on a disk."""
    return -(-size // BLOCK) * BLOCK
