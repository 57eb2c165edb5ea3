"""Reading the zip of a function or a layer from a request or a bucket, within Lambda's limits of size."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from moto.s3.exceptions import MissingBucket, MissingKey
from moto.s3.models import s3_backends

from emulator.lambda_.api_errors import InvalidParameterValue, RequestEntityTooLarge, Unsupported
from emulator.lambda_.runtime.code_store import BAD_ZIP
from emulator.lambda_.spec import CodePackage

DIRECT_LIMIT = 70_167_211
"""Bytes of a request that holds a zip: 50 MB, encoded as base64."""

UNZIPPED_LIMIT = 262_144_000
"""Bytes of code and layers together: Lambda's limit of 250 MB unzipped."""


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
    """Raise InvalidParameterValueException when code and layers together are larger than UNZIPPED_LIMIT."""
    if code.unzipped_size + sum(layer.unzipped_size for layer in layers) >= UNZIPPED_LIMIT:
        raise InvalidParameterValue(f"Unzipped size must be smaller than {UNZIPPED_LIMIT} bytes")


def _unreadable(code: str, message: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Error occurred while GetObject. S3 Error Code: {code}. S3 Error Message: {message}")
