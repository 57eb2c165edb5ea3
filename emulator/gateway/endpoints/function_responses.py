"""Turning the payload of a function into an HTTP response, by the rules of payload format 2.0. Pure."""

import base64
import binascii
import json
from typing import Any

from emulator.gateway.endpoints.http_messages import HttpResponse

_STATUSES = range(100, 600)

_CONNECTION_HEADERS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})
"""Headers that belong to the connection: the server sets them, and a function's are dropped."""


class InvalidFunctionResponse(ValueError):
    """A function returned an object with a `statusCode` that cannot be turned into an HTTP response."""


def response_of(payload: bytes, *, default_type: str) -> HttpResponse:
    """Return the response for a function's payload; InvalidFunctionResponse when it cannot be one.

    A value without `statusCode` is sent as a JSON body. `default_type` is the content type when the answer names none.
    """
    answer = json.loads(payload or b"null")
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return HttpResponse(200, payload, (("content-type", "application/json"),))
    return HttpResponse(_status(answer), _body(answer), tuple(_headers(answer, default_type)))


def _status(answer: dict[str, Any]) -> int:
    try:
        status = int(answer["statusCode"])
    except (TypeError, ValueError) as error:
        raise InvalidFunctionResponse("statusCode is not a number") from error
    if isinstance(answer["statusCode"], bool) or status not in _STATUSES:
        raise InvalidFunctionResponse("statusCode is not an HTTP status")
    return status


def _headers(answer: dict[str, Any], default_type: str) -> list[tuple[str, str]]:
    given, cookies = answer.get("headers") or {}, answer.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        raise InvalidFunctionResponse("headers must be an object and cookies a list")
    pairs = [(name.lower(), _text(value)) for name, value in given.items()]
    pairs = [(name, value) for name, value in pairs if name not in _CONNECTION_HEADERS]
    if "content-type" not in dict(pairs):
        pairs.append(("content-type", default_type))
    pairs += [("set-cookie", _text(cookie)) for cookie in cookies]
    if any(character in text for pair in pairs for text in pair for character in "\r\n\0"):
        raise InvalidFunctionResponse("a header has a line break in it")
    return pairs


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise InvalidFunctionResponse("a header or a cookie is not text")
    return str(value)


def _body(answer: dict[str, Any]) -> bytes:
    body = answer.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise InvalidFunctionResponse("body is not text")
    if answer.get("isBase64Encoded") is not True:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidFunctionResponse("body is not base64") from error
