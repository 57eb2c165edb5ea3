"""A task without heartbeats fails with `States.HeartbeatTimeout`; moto calls it `States.Timeout`."""

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType, TaskTimedOutEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError

from emulator.repairing import replace
from emulator.step_functions.failure_events import failure_event


def repair() -> None:
    """Give missed heartbeats their own error."""
    moto_event = StateTaskServiceCallback._from_error

    def _from_error(self: StateTaskServiceCallback, env: Any, ex: Exception) -> FailureEvent:
        if not isinstance(ex, HeartbeatTimeoutError):
            return moto_event(self, env=env, ex=ex)
        kind = StatesErrorNameType.StatesHeartbeatTimeout
        return failure_event(
            env,
            StatesErrorName(typ=kind),
            HistoryEventType.TaskTimedOut,
            taskTimedOutEventDetails=TaskTimedOutEventDetails(
                resource=self._get_sfn_resource(),
                resourceType=self._get_sfn_resource_type(),
                error=kind.to_name(),
            ),
        )

    replace(StateTaskServiceCallback, _from_error=_from_error)
