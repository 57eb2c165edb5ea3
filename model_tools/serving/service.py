"""From an event to its answer, whatever is or is not published."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol

from model_tools.serving.requests import BadRequest, answer, is_http, parse_event

NOTHING_PUBLISHED = {
    "error": "NothingPublished",
    "message": "No model is published yet: start a publication (`model-tools publish MODEL`), then ask again.",
}


class Predictor(Protocol):
    """Answers requests with one model."""

    def predict(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer's fields. Raises BadRequest."""


def handle(event: object, predictor: Predictor | None, *, version: str) -> dict[str, Any]:
    """Return the answer to an event; without a predictor, that nothing is published.

    What the caller can put right is answered with 400 and never raised: only what the model does wrong counts as a
    function error.
    """
    over_http = is_http(event)
    if predictor is None:
        return answer(NOTHING_PUBLISHED, over_http=over_http, status=HTTPStatus.SERVICE_UNAVAILABLE)
    try:
        request = parse_event(event)
        return answer({**predictor.predict(request), "version": version}, over_http=over_http)
    except BadRequest as error:
        return answer({"error": "BadRequest", "message": str(error)}, over_http=over_http, status=error.status)
