"""S3: objects by URI, streamed."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from model_tools.aws.faults import DENIED_CODES, MISSING_OBJECT_CODES, ErrorPolicy, Meaning, Meanings, code_of
from model_tools.errors import ModelNotFound, PublishError
from model_tools.formats.paths import is_inside

PART = 16 << 20
"""Bytes of one part of an upload; files up to this size are one part. An object's ETag follows from it."""


@dataclass(frozen=True)
class ListedObject:
    """An object as a listing of its bucket shows it."""

    uri: str
    size: int
    """Bytes."""
    etag: str


@dataclass(frozen=True)
class StoredObject:
    """An object at the version that was seen."""

    uri: str
    version_id: str
    size: int
    """Bytes."""
    etag: str


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of s3://bucket/key. Raises ModelNotFound for anything else."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise ModelNotFound(f"{uri!r} is not of the form s3://bucket/key; correct it.")
    return bucket, key


class ObjectStore:
    """S3 through one boto3 client. To people, CallRefused stands for the ModelNotFound that is told below."""

    def __init__(self, client: Any, *, errors: ErrorPolicy) -> None:
        self._s3 = client
        self._explained = errors

    def list_objects(self, uri: str) -> Iterator[ListedObject]:
        """Yield all objects below a prefix, in the order of their keys. Raises ModelNotFound without the bucket."""
        bucket, prefix = split_uri(uri)
        with self._explained(f"listing {uri}", _reading(uri)):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for item in page.get("Contents", []):
                    yield ListedObject(f"s3://{bucket}/{item['Key']}", item["Size"], item["ETag"].strip('"'))

    def list_keys(self, uri: str) -> Iterator[str]:
        """Yield the URIs of all objects below a prefix, in the order of their keys."""
        return (item.uri for item in self.list_objects(uri))

    def look_up(self, uri: str) -> StoredObject:
        """Return an object at its newest version. Raises ModelNotFound, also for a bucket that keeps no versions."""
        bucket, key = split_uri(uri)
        with self._explained(f"looking up {uri}", _reading(uri)):
            head = self._s3.head_object(Bucket=bucket, Key=key)
        version = head.get("VersionId")
        if version in (None, "null"):
            raise ModelNotFound(
                f"Bucket {bucket} keeps no versions, so {uri} could change while it is being published. "
                "Switch versioning on for it, or upload the model to the stack's checkpoints bucket."
            )
        return StoredObject(uri, version, head["ContentLength"], head["ETag"].strip('"'))

    def open(self, uri: str, *, version_id: str | None = None) -> AbstractContextManager[IO[bytes]]:
        """Return a context manager over the object's bytes as a stream. Raises ModelNotFound."""
        bucket, key = split_uri(uri)
        version = {"VersionId": version_id} if version_id else {}
        with self._explained(f"reading {uri}", _reading(uri)):
            body = self._s3.get_object(Bucket=bucket, Key=key, **version)["Body"]
        return closing(cast("IO[bytes]", body))

    def read(self, uri: str, *, max_bytes: int, version_id: str | None = None) -> bytes:
        """Return a small object's bytes. Raises ModelNotFound when it is missing or larger than `max_bytes`."""
        with self.open(uri, version_id=version_id) as stream, self._explained(f"reading {uri}"):
            data = stream.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise ModelNotFound(f"{uri} is larger than the {max_bytes:,} bytes expected of it.")
        return data

    def download(self, uri: str, path: Path, *, version_id: str | None = None) -> None:
        """Write an object to a file, in parallel parts. Raises ModelNotFound."""
        bucket, key = split_uri(uri)
        extra = {"VersionId": version_id} if version_id else None
        with self._explained(f"downloading {uri}", _reading(uri)):
            self._s3.download_file(bucket, key, str(path), ExtraArgs=extra)

    def read_if_there(self, uri: str) -> bytes | None:
        """Return a small object's bytes; None when there is no such object."""
        bucket, key = split_uri(uri)
        with self._explained(f"reading {uri}", _reading(uri)):
            try:
                body: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if code_of(error) not in MISSING_OBJECT_CODES:
                    raise
                return None
        return body

    def upload(self, path: Path, uri: str, *, progress: Callable[[int], None] | None = None) -> None:
        """Store a file, in parallel parts where it is large. Storing the same twice is harmless.

        `progress` is told the bytes that were sent since it was called last, from several threads.
        """
        bucket, key = split_uri(uri)
        config = TransferConfig(multipart_threshold=PART + 1, multipart_chunksize=PART)
        with self._explained(f"uploading {path.name} to {uri}", _writing(uri)):
            try:
                self._s3.upload_file(str(path), bucket, key, Callback=progress, Config=config)
            except S3UploadFailedError as error:  # boto3 hides the answer of S3 in the context
                raise error.__context__ or error from None

    def download_folder(self, uri: str, folder: Path) -> None:
        """Write all objects below a prefix to a folder. Raises ModelNotFound when there are none."""
        prefix = uri if uri.endswith("/") else f"{uri}/"
        paths = {key: key.removeprefix(prefix) for key in self.list_keys(prefix) if not key.endswith("/")}
        if not paths:
            raise ModelNotFound(f"There is nothing at {prefix}: correct the URI, or upload the folder first.")
        for key, path in paths.items():
            if not is_inside(path):
                raise ModelNotFound(f"{key} would be written outside its folder: rename it.")
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            self.download(key, folder / path)

    def upload_folder(self, folder: Path, uri: str, *, last: str) -> None:
        """Store all files of a folder below a prefix; `last` goes last, so where it is, all is."""
        paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        for path in sorted(paths, key=lambda path: path == last):
            self.upload(folder / path, uri + path)

    def write_json(self, uri: str, value: object) -> None:
        """Store a value as JSON. Storing the same twice is harmless."""
        bucket, key = split_uri(uri)
        body = json.dumps(value, indent=1, sort_keys=True).encode()
        with self._explained(f"writing {uri}", _writing(uri)):
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def _reading(uri: str) -> Meanings:
    # Whoever may not list a bucket is told that permission is missing where in truth the object is.
    missing = Meaning(
        f"{uri} is not there, or its reader has no permission. Correct the URI, or upload it first.", ModelNotFound
    )
    return {**dict.fromkeys(MISSING_OBJECT_CODES | DENIED_CODES, missing), **_no_bucket(uri, ModelNotFound)}


def _writing(uri: str) -> Meanings:
    return _no_bucket(uri)


def _no_bucket(uri: str, error: type[PublishError] | None = None) -> Meanings:
    bucket, _ = split_uri(uri)
    words = f"There is no bucket {bucket}: correct {uri}, or if it is the stack's own, deploy the stack again."
    return {"NoSuchBucket": Meaning(words, error)}
