"""`release.json`: what a function zip serves. Written by the build, read by serving at init.

It names the execution, so each publication has code of its own: Lambda publishes nothing when neither code nor
configuration changed.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

RELEASE_FILE = "release.json"


class ArchiveReference(BaseModel):
    """Where a `model.tar.gz` is, and what it must be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    """s3://bucket/models/<name>/<sha256>/model.tar.gz"""
    sha256: str
    """Of the whole file, 64 hex digits."""
    size: int
    """Bytes."""


class ReleaseFile(BaseModel):
    """The contents of `release.json`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    release_id: str
    execution: str
    archive: ArchiveReference
