"""S3: bring files of this machine to a bucket, each at most once.

What is there already with the same bytes is left alone, so an upload that broke is taken up where it stopped.
"""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from model_tools.aws.faults import CallRefused
from model_tools.aws.objects import PART, ObjectStore

FILES_AT_ONCE = 4
"""Files that are uploaded at the same time."""


@dataclass(frozen=True)
class Upload:
    """A local file, its object's key below the prefix, and the ETag that its object will have."""

    path: Path
    key: str
    size: int
    """Bytes."""
    etag: str


class Etag:
    """The ETag that S3 gives to bytes uploaded here: their MD5, or the MD5 of their parts' MD5s and the parts' number.

    Buckets with other encryption than SSE-S3 have other ETags; there everything is uploaded again, which is harmless.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._part = hashlib.md5(usedforsecurity=False)
        self._room = PART

    def update(self, data: bytes) -> None:
        """Take the next bytes."""
        view = memoryview(data)
        while view:
            if self._room == 0:
                self._parts.append(self._part.digest())
                self._part, self._room = hashlib.md5(usedforsecurity=False), PART
            piece, view = view[: self._room], view[self._room :]
            self._part.update(piece)
            self._room -= len(piece)

    def value(self) -> str:
        """Return the ETag of all bytes so far, without quotes."""
        if not self._parts:
            return self._part.hexdigest()
        parts = [*self._parts, self._part.digest()]
        return f"{hashlib.md5(b''.join(parts), usedforsecurity=False).hexdigest()}-{len(parts)}"


class UploadBucket:
    """A bucket of an object store whose errors are for people."""

    def __init__(self, store: ObjectStore, bucket: str) -> None:
        self._store = store
        self.bucket = bucket

    def missing(self, prefix: str, uploads: Iterable[Upload]) -> list[Upload]:
        """Return the uploads whose object is not there yet with the same size and ETag."""
        home = f"s3://{self.bucket}/{prefix}"
        there = {item.uri: (item.size, item.etag) for item in self._store.list_objects(home)}
        return [upload for upload in uploads if there.get(home + upload.key) != (upload.size, upload.etag)]

    def upload(
        self, prefix: str, uploads: Iterable[Upload], *, last: str, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Store files below a prefix, several at a time; the one whose key is `last` after all others.

        `progress` is told the bytes that were sent since it was called last, from several threads.
        """
        rest = list(uploads)
        final = [upload for upload in rest if upload.key == last]
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            stored = [pool.submit(self._upload, prefix, upload, progress) for upload in rest if upload.key != last]
            try:
                for one in stored:
                    one.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        for upload in final:
            self._upload(prefix, upload, progress)

    def _upload(self, prefix: str, upload: Upload, progress: Callable[[int], None]) -> None:
        try:
            self._store.upload(upload.path, f"s3://{self.bucket}/{prefix}{upload.key}", progress=progress)
        except OSError as error:
            raise CallRefused(
                f"uploading {upload.path}: {error.strerror or error}. Make the file readable and try again."
            ) from error
