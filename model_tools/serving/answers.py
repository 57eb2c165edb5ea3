"""What callers get: a direct call's object, or a response around it; and what becomes of what is too long."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from model_tools.formats.sections import Results
from model_tools.serving.requests import BadRequest
from model_tools.serving.results import ResultStore

MAX_ANSWER_BYTES = 6_000_000
"""Lambda turns an answer above 6 MiB into a function error."""
LONGEST_NUMBER = 25
"""Characters that a number takes in JSON at most, its comma included."""
LONGEST_CHARACTER = 12
"""Characters that one takes in JSON at most: two escapes, for what is not in Unicode's first plane."""


def answer(
    fields: Mapping[str, Any], *, over_http: bool, results: Results | None = None, store: ResultStore | None = None
) -> dict[str, Any]:
    """Return what the handler answers with these fields.

    An answer above the manifest's `results` goes to the store, and where it is is answered instead. Raises BadRequest
    for one that is too long without.
    """
    most = MAX_ANSWER_BYTES if results is None else min(results.above_bytes, MAX_ANSWER_BYTES)
    text = _json(fields) if over_http or _longest(fields) > most else None
    if text is not None and (len(text) > most or (over_http and _too_long_within(text))):
        if results is None or store is None:
            raise BadRequest(
                f"the answer would have more than {MAX_ANSWER_BYTES:,} bytes: ask for less at a time, or have the "
                "model published with `results`, which writes long answers to S3."
            )
        fields = {"result": store.keep(text.encode(), results.prefix), "version": fields["version"]}
        text = _json(fields)
    return _response(HTTPStatus.OK, text) if over_http and text is not None else dict(fields)


def refusal(error: str, message: str, *, over_http: bool, status: HTTPStatus) -> dict[str, Any]:
    """Return what the handler answers when it gives no answer."""
    fields = {"error": error, "message": message}
    return _response(status, _json(fields)) if over_http else {"statusCode": int(status), **fields}


def _response(status: HTTPStatus, body: str) -> dict[str, Any]:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["allow"] = "POST"
    return {"statusCode": int(status), "headers": headers, "body": body}


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, allow_nan=False)


def _too_long_within(text: str) -> bool:
    """Tell whether JSON is too long as a string of a response, where each quote is escaped once more."""
    return 2 * len(text) > MAX_ANSWER_BYTES and len(json.dumps(text)) > MAX_ANSWER_BYTES


def _longest(value: object) -> int:
    """Return how long a value's JSON is at most, without making it: that would take as long as the answer itself."""
    if isinstance(value, str):
        return LONGEST_CHARACTER * len(value) + 2
    if isinstance(value, Mapping):
        return 2 + sum(_longest(name) + _longest(item) + 4 for name, item in value.items())
    if isinstance(value, list | tuple):
        if value and type(value[0]) in (float, int) and set(map(type, value)) <= {float, int}:
            return 2 + LONGEST_NUMBER * len(value)
        return 2 + sum(_longest(item) + 2 for item in value)
    return LONGEST_NUMBER
