"""S3: objects by URI, streamed."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from boto3.exceptions import S3UploadFailedError

from model_tools.aws.faults import translated
from model_tools.errors import ModelNotFound
from model_tools.formats.paths import is_inside

MISSING = ("NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "AccessDenied", "403")


@dataclass(frozen=True)
class StoredObject:
    """What S3 says of one object, at the version that was seen."""

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
    """S3 through one boto3 client."""

    def __init__(self, client: Any) -> None:
        self._s3 = client

    def list_keys(self, uri: str) -> Iterator[str]:
        """Yield the URIs of all objects below a prefix, in the order of their keys."""
        bucket, prefix = split_uri(uri)
        with translated(f"listing {uri}", _missing(uri)):
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                yield from (f"s3://{bucket}/{item['Key']}" for item in page.get("Contents", []))

    def look_up(self, uri: str) -> StoredObject:
        """Return what S3 says of an object now. Raises ModelNotFound."""
        bucket, key = split_uri(uri)
        with translated(f"looking up {uri}", _missing(uri)):
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
        with translated(f"reading {uri}", _missing(uri)):
            body = self._s3.get_object(Bucket=bucket, Key=key, **version)["Body"]
        return closing(cast("IO[bytes]", body))

    def read(self, uri: str, *, max_bytes: int, version_id: str | None = None) -> bytes:
        """Return a small object's bytes. Raises ModelNotFound when it is missing or larger than `max_bytes`."""
        with self.open(uri, version_id=version_id) as stream, translated(f"reading {uri}"):
            data = stream.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise ModelNotFound(f"{uri} is larger than the {max_bytes:,} bytes expected of it.")
        return data

    def download(self, uri: str, path: Path, *, version_id: str | None = None) -> None:
        """Write an object to a file, in parallel parts. Raises ModelNotFound."""
        bucket, key = split_uri(uri)
        extra = {"VersionId": version_id} if version_id else None
        with translated(f"downloading {uri}", _missing(uri)):
            self._s3.download_file(bucket, key, str(path), ExtraArgs=extra)

    def upload(self, path: Path, uri: str) -> None:
        """Store a file, in parallel parts where it is large. Storing the same twice is harmless."""
        bucket, key = split_uri(uri)
        with translated(f"uploading {uri}"):
            try:
                self._s3.upload_file(str(path), bucket, key)
            except S3UploadFailedError as error:  # hides what S3 said
                raise error.__context__ or error from None

    def download_folder(self, uri: str, folder: Path) -> None:
        """Write all objects below a prefix to a folder. Raises ModelNotFound when there are none."""
        prefix = uri.rstrip("/") + "/"
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
        with translated(f"writing {uri}"):
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")


def _missing(uri: str) -> dict[str, Exception]:
    error = ModelNotFound(f"{uri} is not there, or its reader has no permission. Correct the URI, or upload it first.")
    return dict.fromkeys(MISSING, error)
