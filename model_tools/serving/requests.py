"""Requests as callers send them: the object of a direct call, or an HTTP event around it.

A Function URL and an API Gateway HTTP API send the same event (payload format 2.0).
"""

import base64
import json
from collections.abc import Collection, Mapping
from http import HTTPStatus
from typing import Any

PATH = "/invocations"
"""The path that an HTTP API routes to the function; a Function URL answers at its root as well."""


class BadRequest(Exception):
    """The request cannot be answered; the message tells the caller what to change. Never a function error."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


def is_http(event: object) -> bool:
    """Tell whether an event comes from a Function URL or an HTTP API."""
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    return isinstance(context, Mapping) and isinstance(context.get("http"), Mapping)


def parse_event(event: object) -> Mapping[str, Any]:
    """Return the request's object in a Lambda event. Raises BadRequest."""
    request = _require_object(event)
    if not is_http(request):
        return request
    http = request["requestContext"]["http"]
    path = str(request.get("rawPath") or http.get("path") or "").rstrip("/")
    if path and not path.endswith(PATH):  # a stage or a custom domain may put something before it
        raise BadRequest(f"there is nothing at this path: POST to {PATH}.", HTTPStatus.NOT_FOUND)
    if http.get("method") != "POST":
        raise BadRequest("this method is not served here: POST a JSON object.", HTTPStatus.METHOD_NOT_ALLOWED)
    return _require_object(_parse_body(request))


def require_only(request: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise BadRequest for a field that means nothing."""
    unknown = sorted(str(name) for name in request if name not in known)
    if unknown:
        # In ASCII: not everything that JSON can escape may stand in an answer.
        raise BadRequest(f"unknown field(s) {', '.join(unknown)[:200]!a}; there is {', '.join(sorted(known))}.")


def whole_number(request: Mapping[str, Any], name: str, largest: int) -> int | None:
    """Return an option of a request, None where it is not given. Raises BadRequest."""
    value = request.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
        raise BadRequest(f"{name} must be a whole number from 1 to {largest}.")
    return value


def _parse_body(event: Mapping[str, Any]) -> object:
    text = _body_text(event)
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_distinct)
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise BadRequest("the body is nested too deeply.") from error
    except ValueError as error:  # Python's limit on the digits of an integer
        raise BadRequest("the body holds a number with too many digits.") from error


def _body_text(event: Mapping[str, Any]) -> str:
    """Return the body as text, whatever the content type says: many clients send JSON without naming it."""
    body = event.get("body")
    if not isinstance(body, str) or not body:
        raise BadRequest("the request has no body: POST a JSON object.")
    if not event.get("isBase64Encoded"):
        return body
    try:
        data = base64.b64decode(body, validate=True)
    except ValueError as error:
        raise BadRequest("the body is not base64 as its event says.") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(
            "the body is not text: POST a JSON object as application/json, an image as base64 in it.",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        ) from error


def _refuse_constant(name: str) -> float:
    raise BadRequest(f"the body holds {name}, which is no JSON number.")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, unless it names a field twice: a proxy may have checked the one, we would take the other."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("the body names a field twice.")
    return fields


def _require_object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadRequest("the request must be a JSON object.")
    return value
