"""GetExecutionHistory in pages, forwards or backwards; moto answers with all events, always forwards."""

from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidToken, ValidationException
from moto.stepfunctions.responses import StepFunctionResponse

from emulator.repairing import replace

_DEFAULT_PAGE = 100
_LARGEST_PAGE = 1000
_DATA_FIELDS = ("input", "inputDetails", "output", "outputDetails", "parameters")


def page(
    events: list[dict[str, Any]], *, backwards: bool, size: int, token: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Return one page and the token of the next page, None after the last.

    The token is the id of the last event on the page, so that new events do not shift the pages.
    """
    ordered = sorted(events, key=lambda event: event["id"], reverse=backwards)
    if token is not None:
        if not token.isdecimal():
            raise InvalidToken(token)
        last = int(token)
        ordered = [event for event in ordered if (event["id"] < last if backwards else event["id"] > last)]
    given = ordered[:size]
    return given, str(given[-1]["id"]) if len(ordered) > size else None


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {name: item for name, item in value.items() if name not in _DATA_FIELDS}
        if isinstance(value, dict)
        else value
        for key, value in event.items()
    }


def _get_execution_history(self: StepFunctionResponse) -> ActionResult:
    size = self._get_param("maxResults")
    if size is not None and not 0 <= size <= _LARGEST_PAGE:
        raise ValidationException(
            f"1 validation error detected: Value '{size}' at 'maxResults' must be between 0 and {_LARGEST_PAGE}"
        )
    history = self.stepfunction_backend.get_execution_history(self._get_param("executionArn"))
    events, token = page(
        history["events"],
        backwards=bool(self._get_param("reverseOrder")),
        size=size or _DEFAULT_PAGE,
        token=self._get_param("nextToken"),
    )
    if self._get_param("includeExecutionData") is False:
        events = [_without_data(event) for event in events]
    return ActionResult({"events": events, **({"nextToken": token} if token else {})})


def repair() -> None:
    """Replace the operation."""
    replace(StepFunctionResponse, get_execution_history=_get_execution_history)
