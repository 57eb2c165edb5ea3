"""Times in the context object: text with milliseconds, as `$$.Execution.StartTime` has it on AWS.

moto keeps a datetime there, which no state can put into its output, and microseconds in `$$.State.EnteredTime`.
"""

from datetime import UTC, datetime
from typing import Any

from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.eval.states import ExecutionData, StateData
from moto.stepfunctions.parser.backend import execution_worker


def iso_time(moment: datetime | str) -> str:
    """Return e.g. `2026-01-31T09:30:00.123Z`."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _state_data(*, EnteredTime: str, **rest: Any) -> StateData:  # noqa: N803 - the field's name
    return StateData(EnteredTime=iso_time(EnteredTime), **rest)


def _execution_data(*, StartTime: datetime, **rest: Any) -> ExecutionData:  # noqa: N803 - the field's name
    return ExecutionData(StartTime=iso_time(StartTime), **rest)


def repair() -> None:
    """Replace the constructors where the interpreter fills the context object."""
    state.StateData = _state_data
    execution_worker.ExecutionData = _execution_data
