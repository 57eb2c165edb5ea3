"""Function code and layers as zips: where they come from, how large they may be, where they lie unpacked."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import shutil
import threading
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from moto.s3.exceptions import MissingBucket, MissingKey
from moto.s3.models import s3_backends

from emulator.lambda_service.api_errors import InvalidParameterValue, RequestEntityTooLarge, Unsupported
from emulator.lambda_service.spec import CodePackage

DIRECT_LIMIT = 70_167_211  # bytes of a request with a zip in it: base64 of 50 MB
UNZIPPED_LIMIT = 262_144_000  # bytes of code and layers together: Lambda's "250 MB unzipped"
BAD_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


class CodeStore:
    """Keeps every uploaded zip once, under its digest, and unpacks it once. Safe to use from several threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        (root / "zips").mkdir(parents=True)
        (root / "unpacked").mkdir()

    def add(self, data: bytes) -> CodePackage:
        """Keep a zip; raises InvalidParameterValueException when it is none."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as opened:
                unzipped = sum(entry.file_size for entry in opened.infolist())
        except zipfile.BadZipFile as error:
            raise InvalidParameterValue(BAD_ZIP) from error
        digest = hashlib.sha256(data)
        archive = self._root / "zips" / f"{digest.hexdigest()}.zip"
        if not archive.exists():
            partial = archive.with_suffix(f".{uuid.uuid4().hex}")
            partial.write_bytes(data)
            partial.replace(archive)
        return CodePackage(
            digest=digest.hexdigest(),
            sha256_base64=base64.b64encode(digest.digest()).decode(),
            size=len(data),
            unzipped_size=unzipped,
            archive=archive,
        )

    def unpack(self, package: CodePackage) -> Path:
        """Return the folder that the zip's files lie in; raises BadZipFile when a member's checksum is wrong."""
        folder = self._root / "unpacked" / package.digest
        with self._lock:
            if not folder.exists():
                partial = folder.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                with zipfile.ZipFile(package.archive) as opened:
                    for entry in opened.infolist():
                        written = opened.extract(entry, partial)
                        if mode := entry.external_attr >> 16 & 0o777:
                            Path(written).chmod(mode | (0o555 if entry.is_dir() else 0o444))
                partial.mkdir(exist_ok=True)  # an empty zip unpacks to nothing
                os.replace(partial, folder)  # noqa: PTH105 - atomic on a folder that nobody else writes
        return folder


def read_code(where: Mapping[str, Any], *, account_id: str, partition: str) -> bytes:
    """Return the zip that a request's code block names (ZipFile or S3Bucket, S3Key, S3ObjectVersion)."""
    if "ImageUri" in where:
        raise Unsupported("container images", "publish the function as a zip")
    if "ZipFile" in where:
        if len(where["ZipFile"]) >= DIRECT_LIMIT:
            raise RequestEntityTooLarge(DIRECT_LIMIT)
        try:
            return base64.b64decode(where["ZipFile"], validate=True)
        except binascii.Error as error:
            raise InvalidParameterValue(BAD_ZIP) from error
    if not where.get("S3Bucket") or not where.get("S3Key"):
        raise InvalidParameterValue("Please provide a source for function code.")
    try:
        found = s3_backends[account_id][partition].get_object(
            where["S3Bucket"], where["S3Key"], version_id=where.get("S3ObjectVersion")
        )
    except MissingBucket as error:
        raise _unreadable("NoSuchBucket", "The specified bucket does not exist") from error
    except MissingKey:
        found = None
    if found is None:
        if where.get("S3ObjectVersion"):
            raise _unreadable("NoSuchVersion", "The specified version does not exist.")
        raise _unreadable("NoSuchKey", "The specified key does not exist.")
    return bytes(found.value)


def check_unzipped_size(code: CodePackage, layers: Iterable[CodePackage]) -> None:
    """Refuse a function whose code and layers together outgrow Lambda's limit."""
    if code.unzipped_size + sum(layer.unzipped_size for layer in layers) >= UNZIPPED_LIMIT:
        raise InvalidParameterValue(f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes")


def _unreadable(code: str, message: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")
