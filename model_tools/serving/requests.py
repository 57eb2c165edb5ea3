"""Reads requests as callers send them: as the object of a direct call, or as the body of an HTTP event.

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
    """The request cannot be answered; the message tells the caller what to change. It is never a function error."""

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
    if path and not path.endswith(PATH):  # a stage or a custom domain may put a prefix before the path
        raise BadRequest(f"there is nothing at this path: POST to {PATH}.", HTTPStatus.NOT_FOUND)
    if http.get("method") != "POST":
        raise BadRequest("this method is not served here: POST a JSON object.", HTTPStatus.METHOD_NOT_ALLOWED)
    return _require_object(_parse_body(request))


def require_only(request: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise BadRequest for a field that is not among the known ones."""
    unknown = sorted(str(name) for name in request if name not in known)
    if unknown:
        # The names are written in ASCII: a field's name may hold lone surrogates, which no answer can hold.
        raise BadRequest(f"unknown field(s) {', '.join(unknown)[:200]!a}; there is {', '.join(sorted(known))}.")


def whole_number(request: Mapping[str, Any], name: str, largest: int) -> int | None:
    """Return a request's option, a whole number from 1 to `largest`, or None where it is absent. Raises BadRequest."""
    value = request.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
        raise BadRequest(f"{name} must be a whole number from 1 to {largest}.")
    return value


def _parse_body(event: Mapping[str, Any]) -> object:
    text = _body_text(event)
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_repeated_fields)
    except json.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from error
    except RecursionError as error:
        raise BadRequest("the body is nested too deeply.") from error
    except ValueError as error:  # Python refuses integers of more than 4,300 digits
        raise BadRequest("the body holds a number with too many digits.") from error


def _body_text(event: Mapping[str, Any]) -> str:
    """Return the body as text, whatever its content type: many clients send JSON without the right type."""
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


def _refuse_repeated_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object. Raises BadRequest for one with a repeated field.

    A proxy may have checked the first of the two values, and Python would take the last.
    """
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("the body names a field twice.")
    return fields


def _require_object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadRequest("the request must be a JSON object.")
    return value
