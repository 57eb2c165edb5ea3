"""Turning an HTTP request into the event of payload format 2.0 that a function receives. Pure."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from emulator.account import ACCOUNT_ID
from emulator.gateway.endpoints.http_messages import HttpRequest

DEFAULT_ROUTE = "$default"

_DROPPED_HEADERS = frozenset({"connection", "cookie", "transfer-encoding"})
"""Headers that the event leaves out. Cookies have a field of their own in it."""

_TEXT_TYPES = ("text/", "application/json", "application/javascript", "application/xml")
"""Beginnings of the content types whose bodies an event carries as text."""


@dataclass(frozen=True)
class MatchedEndpoint:
    """The function URL, or the API with its stage and route, that a request is for."""

    api_id: str
    domain_name: str
    account_id: str
    route_key: str = DEFAULT_ROUTE
    stage: str = DEFAULT_ROUTE
    path_parameters: Mapping[str, str] | None = None
    stage_variables: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Signer:
    """The identity that has signed a request."""

    access_key: str
    arn: str
    user_id: str


def event_of(
    request: HttpRequest, entrance: MatchedEndpoint, *, signer: Signer | None, request_id: str, now: datetime
) -> dict[str, Any]:
    """Return the event of a request. `signer` is None when the endpoint wants no signature."""
    cookies = [cookie.strip() for cookie in request.headers.get("cookie", "").split(";") if cookie.strip()]
    query = _joined(parse_qsl(request.query, keep_blank_values=True))
    body, is_base64 = _body(request)
    optional = {
        "cookies": cookies,
        "queryStringParameters": query,
        "pathParameters": dict(entrance.path_parameters or {}),
        "stageVariables": dict(entrance.stage_variables or {}),
        "body": body,
    }
    return {
        "version": "2.0",
        "routeKey": entrance.route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": _headers(request, trace_id(request_id, now), signed=signer is not None),
        "requestContext": _context(request, entrance, signer, request_id, now),
        "isBase64Encoded": is_base64,
        **{name: value for name, value in optional.items() if value},
    }


def _context(
    request: HttpRequest, entrance: MatchedEndpoint, signer: Signer | None, request_id: str, now: datetime
) -> dict[str, Any]:
    return {
        "accountId": entrance.account_id,
        "apiId": entrance.api_id,
        "authentication": None,
        **({"authorizer": {"iam": _identity(signer)}} if signer else {}),
        "domainName": entrance.domain_name,
        "domainPrefix": entrance.domain_name.partition(".")[0],
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": entrance.route_key,
        "stage": entrance.stage,
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _identity(signer: Signer) -> dict[str, Any]:
    return {
        "accessKey": signer.access_key,
        "accountId": ACCOUNT_ID,
        "callerId": signer.user_id,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": signer.arn,
        "userId": signer.user_id,
    }


def _headers(request: HttpRequest, trace: str, *, signed: bool) -> dict[str, str]:
    kept = {name: value for name, value in request.headers.items() if name not in _DROPPED_HEADERS}
    if signed:
        del kept["authorization"]  # the signature is for the service, not for the function
    return {
        "x-amzn-trace-id": trace,
        **kept,
        "x-forwarded-for": request.source_ip,
        "x-forwarded-port": request.headers.get("host", "").partition(":")[2] or "80",
        "x-forwarded-proto": "http",
    }


def trace_id(request_id: str, now: datetime) -> str:
    """Return the X-Ray trace header of a request."""
    return f"Root=1-{int(now.timestamp()):08x}-{request_id.replace('-', '')[:24]}"


def _body(request: HttpRequest) -> tuple[str, bool]:
    """Return the body as an event carries it, and True when it is encoded as base64."""
    if request.headers.get("content-type", "").lower().startswith(_TEXT_TYPES):
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass  # the content type is wrong: the body is not text
    return base64.b64encode(request.body).decode(), bool(request.body)


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
