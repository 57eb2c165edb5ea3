"""An object store in memory that keeps versions, as S3 does."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from model_tools.errors import ModelNotFound


@dataclass(frozen=True)
class Seen:
    uri: str
    version_id: str
    size: int
    etag: str


class FakeObjectStore:
    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self._versions: dict[str, list[bytes]] = {}
        for uri, data in (objects or {}).items():
            self.put(uri, data)

    def put(self, uri: str, data: bytes) -> None:
        self._versions.setdefault(uri, []).append(data)

    def list_keys(self, uri: str) -> Iterator[str]:
        yield from sorted(key for key in self._versions if key.startswith(uri))

    def look_up(self, uri: str) -> Seen:
        versions = self._find(uri)
        return Seen(uri, str(len(versions)), len(versions[-1]), hashlib.md5(versions[-1]).hexdigest())  # noqa: S324

    def open(self, uri: str, *, version_id: str | None = None) -> AbstractContextManager[IO[bytes]]:
        return closing(io.BytesIO(self._find(uri)[int(version_id) - 1 if version_id else -1]))

    def read(self, uri: str, *, max_bytes: int, version_id: str | None = None) -> bytes:
        with self.open(uri, version_id=version_id) as stream:
            data = stream.read()
        if len(data) > max_bytes:
            raise ModelNotFound(f"{uri} is too large")
        return data

    def download(self, uri: str, path: Path, *, version_id: str | None = None) -> None:
        with self.open(uri, version_id=version_id) as stream:
            path.write_bytes(stream.read())

    def _find(self, uri: str) -> list[bytes]:
        if uri not in self._versions:
            raise ModelNotFound(f"{uri} is not there")
        return self._versions[uri]
