"""The times in the context object, which are text with milliseconds on AWS.

moto has a datetime in `$$.Execution.StartTime`, which no state can put into its output, and microseconds in
`$$.State.EnteredTime`.
"""

from datetime import UTC, datetime
from typing import Any, cast

from moto.stepfunctions.parser.asl.component.state import state
from moto.stepfunctions.parser.asl.eval.states import ExecutionData, StateData
from moto.stepfunctions.parser.backend import execution_worker

from emulator.repairing import replace


def iso_time(moment: datetime | str) -> str:
    """Return a time as text, e.g. `2026-01-31T09:30:00.123Z`."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _state_data(**fields: Any) -> StateData:
    return cast("StateData", {**fields, "EnteredTime": iso_time(fields["EnteredTime"])})


def _execution_data(**fields: Any) -> ExecutionData:
    return cast("ExecutionData", {**fields, "StartTime": iso_time(fields["StartTime"])})


def repair() -> None:
    """Replace the constructors where the interpreter fills the context object."""
    replace(state, StateData=_state_data)
    replace(execution_worker, ExecutionData=_execution_data)
