"""The events of moto's interpreter for a failed state."""

from typing import Any, cast

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails


def failure_event(env: Any, error_name: ErrorName, event_type: HistoryEventType, **details: Any) -> FailureEvent:
    """Return the event of a failure. `details` is the one block of details that belongs to the event's type."""
    # moto declares the blocks of all types as required, and uses one of them
    event_details = cast("EventDetails", details)
    return FailureEvent(env=env, error_name=error_name, event_type=event_type, event_details=event_details)
