"""The interface of an object store as packaging uses it; `model_tools.aws.objects` implements it for S3."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol


class SeenObject(Protocol):
    """An object's version, size and fingerprint, as the store tells them."""

    @property
    def version_id(self) -> str:
        """The version of the object that was seen."""

    @property
    def size(self) -> int:
        """The size of this version in bytes."""

    @property
    def etag(self) -> str:
        """A fingerprint of this version's contents."""


class CheckpointStore(Protocol):
    """Objects by URI. Every method raises ModelNotFound for an object that is not there."""

    def list_keys(self, uri: str) -> Iterator[str]:
        """Yield the URIs of all objects below a prefix."""

    def look_up(self, uri: str) -> SeenObject:
        """Return the present version of an object, its size and its fingerprint."""

    def read(self, uri: str, *, max_bytes: int, version_id: str | None = None) -> bytes:
        """Return the bytes of a small object, at most `max_bytes`."""

    def open(self, uri: str, *, version_id: str | None = None) -> AbstractContextManager[IO[bytes]]:
        """Return the object's bytes as a stream."""

    def download(self, uri: str, path: Path, *, version_id: str | None = None) -> None:
        """Write the object to a file."""
