"""Signature version 4: who signed a request, if it was signed for this service, now, and by whom it says."""

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
_STAMP = "%Y%m%dT%H%M%SZ"
_HEADER = re.compile(
    rf"{ALGORITHM} +Credential=(?P<key>[^/,]+)/(?P<day>\d{{8}})/(?P<region>[^/,]+)/(?P<service>[^/,]+)/aws4_request, *"
    r"SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>[0-9a-f]+)"
)


class Refused(Exception):
    """The request is not let in; `code` is the error type that AWS names."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def signed_by(
    request: HttpRequest, *, service: str, secret_of: Callable[[str], Credentials | None], now: datetime
) -> str:
    """Return the access key that a request is signed with; Refused when it is not let in.

    A key that the emulator has not given out has no secret to check the signature by: whoever signs at all, for this
    service and at this time, is let in as the operator, as by every other service.
    """
    header = request.headers.get("authorization")
    if header is None:
        raise Refused("AccessDeniedException", "Forbidden")
    found = _HEADER.fullmatch(header.strip())
    stamp = request.headers.get("x-amz-date", "")
    signed = found["headers"].split(";") if found else []
    if found is None or "host" not in signed or "x-amz-date" not in signed:
        message = (
            f"Authorization header requires {ALGORITHM} with Credential, SignedHeaders (host, x-amz-date), Signature"
        )
        raise Refused("IncompleteSignatureException", message)
    if found["service"] != service or found["region"] != REGION:
        message = f"Credential should be scoped to correct service and region: '{service}', '{REGION}'."
        raise Refused("InvalidSignatureException", message)
    _check_time(stamp, found["day"], now)
    known = secret_of(found["key"])
    if known is not None:
        if (request.headers.get("x-amz-security-token") or "") != (known.session_token or ""):
            raise Refused("UnrecognizedClientException", "The security token included in the request is invalid.")
        if not hmac.compare_digest(_signature(request, signed, service, known), found["signature"]):
            message = "The request signature we calculated does not match the signature you provided."
            raise Refused("InvalidSignatureException", message)
    return found["key"]


def _check_time(stamp: str, day: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise Refused("IncompleteSignatureException", "x-amz-date must be like 20260131T235959Z") from error
    if not stamp.startswith(day):
        raise Refused("InvalidSignatureException", "Date in Credential scope does not match x-amz-date")
    if signed_at < now - _SKEW:
        raise Refused("InvalidSignatureException", f"Signature expired: {stamp} is now earlier than 5 minutes ago")
    if signed_at > now + _SKEW:
        raise Refused(
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
        hashlib.sha256(request.body).hexdigest(),  # of what came, whatever x-amz-content-sha256 says
    ]
    return str(signer.signature(signer.string_to_sign(bare, "\n".join(canonical)), bare))
