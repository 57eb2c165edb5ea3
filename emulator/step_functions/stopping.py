"""StopExecution takes effect at once; moto waits for the end of the running task or retry pause.

The thread of a stopped task continues until its call returns, and its result is dropped: Step Functions does not cancel
a running function either.
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
"""The types of the last event in a history."""

_POLL_SECONDS = 0.02
"""The period in which a waiting thread checks whether its execution was stopped."""

_end_lock = threading.Lock()
"""Held while an execution ends, so that it ends only once: by itself or because it was stopped."""

_thread = threading.local()
"""Has the environment that this thread of the interpreter evaluates."""


class _ExecutionStopped(BaseException):
    """Unwinds a state whose execution was stopped. It is no Exception, so that no state handles it."""


def stop(execution: Execution, *, error: str | None, cause: str | None) -> None:
    """Abort an execution. An execution that has ended is not changed."""
    if execution.exec_status != ExecutionStatus.RUNNING:
        return
    _wait_until_started(execution)
    now = datetime.now(tz=UTC)
    with _end_lock:
        if execution.exec_status == ExecutionStatus.RUNNING:
            execution.stop(stop_date=now, error=error, cause=cause)
            execution.stop_date = now
            execution.error, execution.cause = error, cause
            execution.exec_status = ExecutionStatus.ABORTED


def _wait_until_started(execution: Execution) -> None:
    # The worker parses the definition before it has an environment that can be stopped.
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        environment = execution.exec_worker.env if execution.exec_worker is not None else None
        if environment is not None and environment.is_running():
            return
        if execution.exec_status != ExecutionStatus.RUNNING:
            return
        time.sleep(_POLL_SECONDS)


def pause(environment: Any, seconds: float) -> None:
    """Wait within an execution; return early when it is stopped."""
    deadline = time.monotonic() + seconds
    while environment.is_running():
        left = deadline - time.monotonic()
        if left <= 0:
            return
        environment.program_state_event.wait(min(left, _POLL_SECONDS))


@contextmanager
def _evaluating(environment: Any) -> Iterator[None]:
    before = getattr(_thread, "environment", None)
    _thread.environment = environment
    try:
        yield
    finally:
        _thread.environment = before


def current_environment() -> Any:
    """Return the environment that the calling thread evaluates."""
    return _thread.environment


class _InterruptibleEvent(threading.Event):
    """An event that a state waits for while its work runs in another thread. A stopped execution ends the wait."""

    def __init__(self) -> None:
        super().__init__()
        self._environment = getattr(_thread, "environment", None)

    def wait(self, timeout: float | None = None) -> bool:
        if self._environment is None:
            return super().wait(timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        while not super().wait(_POLL_SECONDS):
            if not self._environment.is_running():
                raise _ExecutionStopped
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
        except _ExecutionStopped:
            return  # the interpreter's loop sees that the environment is stopped, and ends

    return evaluate_state


def _reflect_execution_status(self: BaseExecutionWorkerCommunication) -> None:
    """Record the end of an execution. The status is set last, since clients read the rest when they see it."""
    execution = self.execution
    environment: Any = execution.exec_worker.env if execution.exec_worker is not None else None
    state = environment.program_state()
    with _end_lock:
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
        """Add an event unless the execution has ended: the thread of a stopped task may still publish events."""
        if not self._history_event_list or self._history_event_list[-1]["type"] not in _LAST_EVENTS:
            publish(self, **event)

    return publish_history_event


def repair() -> None:
    """Make all places where the interpreter waits notice that the execution was stopped."""
    replace(ExecutionState, _evaluate_with_timeout=_in_environment(ExecutionState._evaluate_with_timeout))
    replace(RetrierDecl, _eval_body=_in_environment(RetrierDecl._eval_body))
    replace(CommonStateField, _eval_body=_until_stopped(CommonStateField._eval_body))
    interruptible = SimpleNamespace(**{**vars(threading), "Event": _InterruptibleEvent})
    replace(execute_state, threading=interruptible)
    replace(branches_decl, threading=interruptible)
    replace(EventManager, _publish_history_event=_until_the_end(EventManager._publish_history_event))
    replace(BaseExecutionWorkerCommunication, _reflect_execution_status=_reflect_execution_status)
