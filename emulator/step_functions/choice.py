"""A Choice without a match ends as `States.NoChoiceMatched`; moto calls it `States.Runtime`."""

from typing import Any

from moto.stepfunctions.parser.api import ExecutionFailedEventDetails, HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice

from emulator.repairing import replace
from emulator.step_functions.failure_events import failure_event


def _no_match(state: StateChoice, env: Any) -> FailureEventException:
    kind = StatesErrorNameType.StatesNoChoiceMatched
    cause = f"State '{state.name}': no choice rule matched its input and it has no Default"
    return FailureEventException(
        failure_event(
            env,
            StatesErrorName(typ=kind),
            HistoryEventType.ExecutionFailed,
            executionFailedEventDetails=ExecutionFailedEventDetails(error=kind.to_name(), cause=cause),
        )
    )


def _eval_state(self: StateChoice, env: Any) -> None:
    for rule in self.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            assert rule.next_stmt is not None  # noqa: S101 - moto's grammar demands it
            env.stack.append(rule.next_stmt.name)
            return
    if self.default_state is None:
        raise _no_match(self, env)
    env.stack.append(self.default_state.state_name)


def repair() -> None:
    """Replace the evaluation of a Choice."""
    replace(StateChoice, _eval_state=_eval_state)
