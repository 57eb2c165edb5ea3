"""Answers an event with the published model, or says that none is published."""

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
        """The manifest's section on answers that are too large to be sent; None without that section."""

    def predict(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer's fields. Raises BadRequest."""


def handle(
    event: object, model: AnswersRequests | None, *, version: str, store: ResultStore | None = None
) -> dict[str, Any]:
    """Return the answer to an event; without a model, an answer with status 503 that nothing is published.

    A fault that the caller can put right is answered with a status of 4xx and never raised. Function errors are only
    the faults of the model, and results that cannot be stored.
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
