"""Time in executions: Wait states and retry pauses are divided by the time scale, timeouts are not.

Real work does not get faster, so a scaled timeout would end a task that finishes in time on AWS.
"""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEventException
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import Timestamp
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction

from emulator.repairing import replace
from emulator.step_functions.settings import InterpreterSettings
from emulator.step_functions.stopping import current_environment, pause


def _wait_interval(self: WaitFunction, env: Any, wait_seconds: float) -> None:  # noqa: ARG001 - moto's signature
    # moto counts whole seconds only, and waits again for the rest.
    pause(env, wait_seconds / InterpreterSettings.current().time_scale)


def _get_wait_seconds(self: Timestamp, env: Any) -> float:
    # moto compares with local time and drops the fraction, so it wakes up to a second early.
    self.string.eval(env=env)
    text = env.stack.pop()
    if not isinstance(text, str) or self._from_timestamp_string(text) is None:
        raise FailureEventException(self._create_failure_event(env, text))
    return (datetime.fromisoformat(text) - datetime.now(tz=UTC)).total_seconds()


def _sleep(seconds: float) -> None:
    pause(current_environment(), seconds / InterpreterSettings.current().time_scale)


def repair() -> None:
    """Replace the functions in which the interpreter waits."""
    replace(WaitFunction, _wait_interval=_wait_interval)
    replace(Timestamp, _get_wait_seconds=_get_wait_seconds)
    replace(retrier_decl, time=SimpleNamespace(sleep=_sleep))
