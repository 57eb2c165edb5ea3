"""From an event to its answer, whatever is or is not published."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol

from model_tools.formats.sections import Results
from model_tools.serving.answers import answer, refusal
from model_tools.serving.requests import BadRequest, is_http, parse_event
from model_tools.serving.results import ResultStore

NOTHING_PUBLISHED = "No model is published yet: start a publication (`model-tools publish MODEL`), then ask again."


class AnswersRequests(Protocol):
    """Answers requests with one model."""

    @property
    def results(self) -> Results | None:
        """What becomes of an answer that is too large to be sent."""

    def predict(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer's fields. Raises BadRequest."""


def handle(
    event: object, model: AnswersRequests | None, *, version: str, store: ResultStore | None = None
) -> dict[str, Any]:
    """Return the answer to an event; without a model, that nothing is published.

    What the caller can put right is answered with 400 and never raised: only what the model does wrong, and a result
    that cannot be stored, counts as a function error.
    """
    over_http = is_http(event)
    if model is None:
        return refusal(
            "NothingPublished", NOTHING_PUBLISHED, over_http=over_http, status=HTTPStatus.SERVICE_UNAVAILABLE
        )
    try:
        fields = {**model.predict(parse_event(event)), "version": version}
        return answer(fields, over_http=over_http, results=model.results, store=store)
    except BadRequest as error:
        return refusal("BadRequest", str(error), over_http=over_http, status=error.status)
