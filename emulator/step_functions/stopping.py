"""StopExecution takes effect at once; moto waits until the running task or retry pause is over.

The thread of a task that is given up goes on until its call returns, and its result is dropped: Step Functions does
not cancel a running function either.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.common.retry.retrier_decl import RetrierDecl
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError, ProgramStopped
from moto.stepfunctions.parser.backend.execution import BaseExecutionWorkerCommunication, Execution

from emulator.repairing import replace

_LAST_EVENTS = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionSucceeded", "ExecutionTimedOut"})
_POLL_SECONDS = 0.02  # how soon a waiting thread sees that its execution was stopped

_ending = threading.Lock()  # an execution ends once: by itself or by being stopped
_here = threading.local()  # the environment that this thread of the interpreter evaluates


class _Stopped(BaseException):
    """Unwinds a state whose execution was stopped; no state's error handling may see it."""


def stop(execution: Execution, *, error: str | None, cause: str | None) -> None:
    """Abort an execution; one that is over stays as it ended."""
    if execution.exec_status != ExecutionStatus.RUNNING:
        return
    _wait_until_started(execution)
    now = datetime.now(tz=UTC)
    with _ending:
        if execution.exec_status == ExecutionStatus.RUNNING:
            execution.stop(stop_date=now, error=error, cause=cause)
            execution.stop_date = now
            execution.error, execution.cause = error, cause
            execution.exec_status = ExecutionStatus.ABORTED


def _wait_until_started(execution: Execution) -> None:
    # The worker parses the definition before it has an environment that can be told to stop.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        environment = execution.exec_worker.env if execution.exec_worker is not None else None
        if environment is not None and environment.is_running():
            return
        if execution.exec_status != ExecutionStatus.RUNNING:
            return
        time.sleep(_POLL_SECONDS)


def pause(environment: Any, seconds: float) -> None:
    """Wait in an execution; return early when it is stopped."""
    deadline = time.monotonic() + seconds
    while environment.is_running():
        left = deadline - time.monotonic()
        if left <= 0:
            return
        environment.program_state_event.wait(min(left, _POLL_SECONDS))


@contextmanager
def _evaluating(environment: Any) -> Iterator[None]:
    before = getattr(_here, "environment", None)
    _here.environment = environment
    try:
        yield
    finally:
        _here.environment = before


def environment_here() -> Any:
    """Return the environment that the calling thread evaluates."""
    return _here.environment


class _InterruptibleEvent(threading.Event):
    """The event that a state waits for while its work runs in another thread."""

    def __init__(self) -> None:
        super().__init__()
        self._environment = getattr(_here, "environment", None)

    def wait(self, timeout: float | None = None) -> bool:
        if self._environment is None:
            return super().wait(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not super().wait(_POLL_SECONDS):
            if not self._environment.is_running():
                raise _Stopped
            if deadline is not None and time.monotonic() >= deadline:
                return False
        return True


def _in_environment(evaluate: Callable[..., None]) -> Callable[..., None]:
    def evaluate_in(self: Any, env: Any) -> None:
        with _evaluating(env):
            evaluate(self, env)

    return evaluate_in


def _until_stopped(evaluate: Callable[..., None]) -> Callable[..., None]:
    def evaluate_state(self: CommonStateField, env: Any) -> None:
        try:
            evaluate(self, env)
        except _Stopped:
            return  # the program's own loop sees the state of the environment and ends

    return evaluate_state


def _reflect_execution_status(self: BaseExecutionWorkerCommunication) -> None:
    """Note how an execution ended: the status last, since whoever sees it looks for the rest; an abortion stays."""
    execution = self.execution
    environment: Any = execution.exec_worker.env if execution.exec_worker is not None else None
    state = environment.program_state()
    with _ending:
        if execution.exec_status != ExecutionStatus.RUNNING:
            return
        execution.stop_date = datetime.now(tz=UTC)
        if isinstance(state, ProgramEnded):
            execution.output = environment.states.get_input()
            execution.exec_status = ExecutionStatus.SUCCEEDED
        elif isinstance(state, ProgramError):
            error = state.error or {}
            execution.error, execution.cause = error.get("error"), error.get("cause")
            execution.exec_status = ExecutionStatus.FAILED
        elif isinstance(state, ProgramStopped):
            execution.error, execution.cause = state.error, state.cause
            execution.exec_status = ExecutionStatus.ABORTED
        else:
            execution.exec_status = ExecutionStatus.TIMED_OUT


def _until_the_end(publish: Callable[..., None]) -> Callable[..., None]:
    def publish_history_event(self: EventManager, **event: Any) -> None:
        """Add an event, unless the execution is over: a state that is given up may still want to say something."""
        if not self._history_event_list or self._history_event_list[-1]["type"] not in _LAST_EVENTS:
            publish(self, **event)

    return publish_history_event


def repair() -> None:
    """Make every place where the interpreter waits notice a stop."""
    replace(ExecutionState, _evaluate_with_timeout=_in_environment(ExecutionState._evaluate_with_timeout))
    replace(RetrierDecl, _eval_body=_in_environment(RetrierDecl._eval_body))
    replace(CommonStateField, _eval_body=_until_stopped(CommonStateField._eval_body))
    interruptible = SimpleNamespace(**{**vars(threading), "Event": _InterruptibleEvent})
    replace(execute_state, threading=interruptible)
    replace(branches_decl, threading=interruptible)
    replace(EventManager, _publish_history_event=_until_the_end(EventManager._publish_history_event))
    replace(BaseExecutionWorkerCommunication, _reflect_execution_status=_reflect_execution_status)
