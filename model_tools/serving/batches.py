"""Answers a batch, `{"requests": […]}` → `{"answers": […]}`: each request gets its own answer or its own error."""

from collections.abc import Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from model_tools.formats.requests import BATCH_FIELD
from model_tools.serving.requests import BadRequest
from model_tools.serving.task import Task

MAX_REQUESTS = 256
"""The largest number of requests in a batch."""
GROUP_SIZE = 32
"""Requests that are preprocessed before the model is called; all requests of a batch could take too much memory."""
SECONDS = 15.0
"""Requests whose preprocessing has not begun by then are refused: slow URLs must not let the function time out."""


def answer_batch(task: Task, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers in the requests' order. One call of the model answers as many requests as it takes.

    Raises BadRequest for a batch that is not well-formed, ModelFailed when the model fails on any request.
    """
    requests = request[BATCH_FIELD]
    if len(request) != 1:
        raise BadRequest("a batch has no other fields than requests; each of them brings its own.")
    if not isinstance(requests, list) or not 1 <= len(requests) <= MAX_REQUESTS:
        raise BadRequest(f"requests must be a list of 1 to {MAX_REQUESTS} requests.")
    deadline = monotonic() + SECONDS
    answers: list[Mapping[str, Any]] = []
    for begin in range(0, len(requests), GROUP_SIZE):
        answers += _answers(task, requests[begin : begin + GROUP_SIZE], deadline)
    return {"answers": answers}


def _answers(task: Task, requests: Sequence[Any], deadline: float) -> Iterator[Mapping[str, Any]]:
    prepared: list[Any] = []
    errors: dict[int, BadRequest] = {}
    for index, request in enumerate(requests):
        try:
            prepared.append(_preprocess(task, request, deadline))
        except BadRequest as error:
            errors[index] = error
    outputs = iter(task.predict(prepared) if prepared else ())
    for index, request in enumerate(requests):
        try:
            if index in errors:
                raise errors[index]
            yield task.respond(next(outputs), request)
        except BadRequest as error:
            yield {"error": "BadRequest", "message": str(error)}


def _preprocess(task: Task, request: Any, deadline: float) -> Any:
    if not isinstance(request, Mapping):
        raise BadRequest("the request must be a JSON object.")
    if BATCH_FIELD in request:
        raise BadRequest("a batch cannot hold another.")
    if monotonic() > deadline:
        raise BadRequest(f"the batch takes longer than {SECONDS:g} s: ask for less at a time.")
    return task.preprocess(request)
