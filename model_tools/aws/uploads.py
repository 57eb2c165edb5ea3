"""S3: bring files of this machine to a bucket, each at most once.

What is there already with the same bytes is left alone, so an upload that broke is taken up where it stopped.
"""

import hashlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from model_tools.aws.connection import CallFailed, CallRefused, explained

PART = 16 << 20
"""Bytes of one part; files up to this size are one part. An object's ETag follows from it."""
FILES_AT_ONCE = 4


@dataclass(frozen=True)
class Upload:
    """A local file, where it goes below the prefix, and what its object's ETag will be."""

    path: Path
    key: str
    size: int
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
    """A bucket through one boto3 client."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._s3 = client
        self.bucket = bucket

    def missing(self, prefix: str, uploads: Iterable[Upload]) -> list[Upload]:
        """Return the uploads whose object is not there yet with the same size and ETag."""
        there: dict[str, tuple[int, str]] = {}
        with self._explained(f"listing s3://{self.bucket}/{prefix}"):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    there[item["Key"]] = (item["Size"], item["ETag"].strip('"'))
        return [upload for upload in uploads if there.get(prefix + upload.key) != (upload.size, upload.etag)]

    def upload(
        self, prefix: str, uploads: Iterable[Upload], *, last: str, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Store files below a prefix, several at a time; the one whose key is `last` after all others.

        `progress` is told the bytes that were sent since it was called last, from several threads.
        """
        rest = list(uploads)
        final = [upload for upload in rest if upload.key == last]
        with ThreadPoolExecutor(FILES_AT_ONCE) as pool:
            stored = [pool.submit(self._store, prefix, upload, progress) for upload in rest if upload.key != last]
            try:
                for one in stored:
                    one.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        for upload in final:
            self._store(prefix, upload, progress)

    def _store(self, prefix: str, upload: Upload, progress: Callable[[int], None]) -> None:
        config = TransferConfig(multipart_threshold=PART + 1, multipart_chunksize=PART)
        what = f"uploading {upload.path}"
        try:
            with self._explained(what):
                self._s3.upload_file(
                    str(upload.path), self.bucket, prefix + upload.key, Callback=progress, Config=config
                )
        except S3UploadFailedError as error:
            # boto3 wraps the answer of S3; what it says is in the cause.
            if isinstance(error.__context__, ClientError):
                with self._explained(what):
                    raise error.__context__ from error
            raise CallFailed(f"{what}: {error}. Run the command again; what is there already is kept.") from error
        except OSError as error:
            raise CallRefused(f"{what}: {error.strerror or error}. Make the file readable and try again.") from error

    def _explained(self, what: str) -> Any:
        return explained(what, {"NoSuchBucket": f"There is no bucket {self.bucket}: deploy the stack again."})
