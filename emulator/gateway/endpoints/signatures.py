"""Checking signatures of version 4: the key, the service, the region, the time and the content."""

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from emulator.account import REGION
from emulator.gateway.endpoints.http_messages import HttpRequest
from emulator.iam import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
_SKEW = timedelta(minutes=5)
"""The difference to the present time that AWS allows."""

_STAMP = "%Y%m%dT%H%M%SZ"
"""The format of the header x-amz-date."""

_HEADER = re.compile(
    rf"{ALGORITHM} +Credential=(?P<key>[^/,]+)/(?P<day>\d{{8}})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request, *"
    r"SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>[0-9a-f]+)"
)


class RequestRejected(Exception):
    """The request is not let in. `code` is the error type that AWS answers with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def signed_by(
    request: HttpRequest, *, service: str, secret_of: Callable[[str], Credentials | None], now: datetime
) -> str:
    """Return the access key that a request is signed with; raises RequestRejected when it is not let in.

    The emulator knows no secret of a key that it has not given out, and cannot check such a signature. A request that
    is signed with one for this service and at this time is let in as the operator's, as by every other service.
    """
    header = request.headers.get("authorization")
    if header is None:
        raise RequestRejected("AccessDeniedException", "Forbidden")
    found = _HEADER.fullmatch(header.strip())
    stamp = request.headers.get("x-amz-date", "")
    signed = found["headers"].split(";") if found else []
    if found is None or "host" not in signed or "x-amz-date" not in signed:
        raise RequestRejected(
            "IncompleteSignatureException",
            f"Authorization header requires {ALGORITHM} with Credential, SignedHeaders (host, x-amz-date), Signature",
        )
    if found["service"] != service or found["region"] != REGION:
        raise RequestRejected(
            "InvalidSignatureException",
            f"Credential should be scoped to correct service and region: '{service}', '{REGION}'.",
        )
    _check_time(stamp, found["day"], now)
    known = secret_of(found["key"])
    if known is not None:
        if (request.headers.get("x-amz-security-token") or "") != (known.session_token or ""):
            raise RequestRejected(
                "UnrecognizedClientException", "The security token included in the request is invalid."
            )
        if not hmac.compare_digest(_signature(request, signed, service, known), found["signature"]):
            raise RequestRejected(
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided.",
            )
    return found["key"]


def _check_time(stamp: str, day: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise RequestRejected("IncompleteSignatureException", "x-amz-date must be like 20260131T235959Z") from error
    if not stamp.startswith(day):
        raise RequestRejected("InvalidSignatureException", "Date in Credential scope does not match x-amz-date")
    if signed_at < now - _SKEW:
        raise RequestRejected(
            "InvalidSignatureException", f"Signature expired: {stamp} is now earlier than 5 minutes ago"
        )
    if signed_at > now + _SKEW:
        raise RequestRejected(
            "InvalidSignatureException", f"Signature not yet current: {stamp} is still later than in 5 minutes"
        )


def _signature(request: HttpRequest, signed: list[str], service: str, keys: Credentials) -> str:
    """Return the signature that the request would have from the holder of these keys."""
    signer = SigV4Auth(Keys(keys.access_key_id, keys.secret_access_key), service, REGION)
    bare = AWSRequest(request.method, f"http://host{request.path}?{request.query}")
    bare.context["timestamp"] = request.headers["x-amz-date"]
    canonical = [
        request.method,
        signer._normalize_url_path(request.path),
        signer.canonical_query_string(bare),
        *(f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in signed),
        "",
        ";".join(signed),
        hashlib.sha256(request.body).hexdigest(),  # the digest of the body itself, not the one in x-amz-content-sha256
    ]
    return str(signer.signature(signer.string_to_sign(bare, "\n".join(canonical)), bare))
