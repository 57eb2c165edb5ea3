"""Makes answers: an object for a direct call, an HTTP response for a URL; large answers go to the result store."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from model_tools.formats.sections import Results
from model_tools.serving.requests import BadRequest
from model_tools.serving.results import ResultStore

MAX_ANSWER_BYTES = 6_000_000
"""Lambda turns an answer above 6 MiB into a function error [gettingstarted-limits]."""
LONGEST_NUMBER = 25
"""The largest number of characters of a number in JSON, its comma included."""
LONGEST_CHARACTER = 12
"""The largest number of characters of a character in JSON: two `\\uXXXX` escapes beyond Unicode's first plane."""


def answer(
    fields: Mapping[str, Any], *, over_http: bool, results: Results | None = None, store: ResultStore | None = None
) -> dict[str, Any]:
    """Return the handler's return value for an answer with these fields.

    With `results`, an answer of more bytes than they allow goes to the store, and its address is answered instead.
    Raises BadRequest for an answer that is too long to be sent, without a store for it.
    """
    limit = MAX_ANSWER_BYTES if results is None else min(results.above_bytes, MAX_ANSWER_BYTES)
    text = _json(fields) if over_http or _length_bound(fields) > limit else None
    if text is not None and (len(text) > limit or (over_http and _too_long_as_body(text))):
        if results is None or store is None:
            raise BadRequest(
                f"the answer would have more than {MAX_ANSWER_BYTES:,} bytes: ask for less at a time, or have the "
                "model published with `results`, which writes long answers to S3."
            )
        fields = {"result": store.keep(text.encode(), results.prefix), "version": fields["version"]}
        text = _json(fields)
    return _response(HTTPStatus.OK, text) if over_http and text is not None else dict(fields)


def refusal(error: str, message: str, *, over_http: bool, status: HTTPStatus) -> dict[str, Any]:
    """Return the handler's return value for a request that is refused."""
    fields = {"error": error, "message": message}
    return _response(status, _json(fields)) if over_http else {"statusCode": int(status), **fields}


def _response(status: HTTPStatus, body: str) -> dict[str, Any]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = "POST"
    return {"statusCode": int(status), "headers": headers, "body": body}


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, allow_nan=False)


def _too_long_as_body(text: str) -> bool:
    """Tell whether JSON is too long as the body of a response, in which each quote is escaped once more."""
    return 2 * len(text) > MAX_ANSWER_BYTES and len(json.dumps(text)) > MAX_ANSWER_BYTES


def _length_bound(value: object) -> int:
    """Return an upper bound of the length of a value's JSON, which is much faster than making the JSON."""
    if isinstance(value, str):
        return LONGEST_CHARACTER * len(value) + 2
    if isinstance(value, Mapping):
        return 2 + sum(_length_bound(name) + _length_bound(item) + 4 for name, item in value.items())
    if isinstance(value, list | tuple):
        if value and type(value[0]) in (float, int) and set(map(type, value)) <= {float, int}:
            return 2 + LONGEST_NUMBER * len(value)
        return 2 + sum(_length_bound(item) + 2 for item in value)
    return LONGEST_NUMBER
