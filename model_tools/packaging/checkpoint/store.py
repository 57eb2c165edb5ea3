"""What packaging asks of an object store; `model_tools.aws.objects` has it for S3."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol


class SeenObject(Protocol):
    """What the store says of one object, at the version that was seen."""

    @property
    def version_id(self) -> str:
        """Of exactly these bytes."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def etag(self) -> str:
        """A fingerprint of the contents."""


class CheckpointStore(Protocol):
    """Objects by URI. Every method raises ModelNotFound for what is not there."""

    def list_keys(self, uri: str) -> Iterator[str]:
        """Yield the URIs of all objects below a prefix."""

    def look_up(self, uri: str) -> SeenObject:
        """Return what the store says of an object now."""

    def read(self, uri: str, *, max_bytes: int, version_id: str | None = None) -> bytes:
        """Return a small object's bytes."""

    def open(self, uri: str, *, version_id: str | None = None) -> AbstractContextManager[IO[bytes]]:
        """Return the object's bytes as a stream."""

    def download(self, uri: str, path: Path, *, version_id: str | None = None) -> None:
        """Write the object to a file."""
