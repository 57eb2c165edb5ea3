"""Execution history, folded: Step Functions' events become visits of states.

Events name the event before them, not the state they belong to; that chain is followed back to a visit. Rules that
Step Functions keeps and that the fold relies on: a retry is another `…Scheduled` in the same visit, a caught failure is
`…Failed` followed by `…StateExited`, a failure that nobody catches is followed by `ExecutionFailed`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

from model_tools.workflow.cause import Failure, parse_failure
from model_tools.workflow.visits import Visit, VisitStatus, changed_fields

ExecutionStatus = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
HistoryEvent = Mapping[str, Any]
"""An event as GetExecutionHistory returns it, its timestamp in seconds since the epoch."""

ENDINGS: Mapping[str, ExecutionStatus] = {
    "ExecutionSucceeded": "SUCCEEDED",
    "ExecutionFailed": "FAILED",
    "ExecutionTimedOut": "TIMED_OUT",
    "ExecutionAborted": "ABORTED",
}
BEGINNINGS_OF_WORK = frozenset(
    {"TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled", "ParallelStateStarted", "MapStateStarted"}
)
BEGINNINGS_OF_SCOPE = frozenset({"ParallelStateStarted", "MapStateStarted", "MapIterationStarted"})
ENTERED, EXITED, ABORTED = "StateEntered", "StateExited", "StateAborted"


class ExecutionHistory:
    """An execution as far as its events are known. Feed it events as they come; reading it never changes it."""

    def __init__(self) -> None:
        self.status: ExecutionStatus = "RUNNING"
        self.started: float | None = None
        self.stopped: float | None = None
        self.input: str | None = None
        self.output: str | None = None
        self.failure: Failure | None = None
        """The error that the execution failed, timed out or was aborted with."""
        self.last_event_id = 0
        self._visits: list[Visit] = []
        self._open: set[int] = set()
        self._failing: set[int] = set()  # the last attempt failed, and neither a retry nor a catch has come yet
        self._inputs: dict[int, str | None] = {}
        self._visit_of: dict[int, int | None] = {}
        self._opens_scope: set[int] = set()

    @property
    def visits(self) -> tuple[Visit, ...]:
        """Every visit so far, in the order of entry."""
        return tuple(self._visits)

    @property
    def ended(self) -> bool:
        """True when the execution has come to an end."""
        return self.status != "RUNNING"

    @property
    def seconds(self) -> float:
        """The seconds that the execution took; 0 until it has ended."""
        return 0.0 if self.started is None or self.stopped is None else self.stopped - self.started

    def feed(self, events: Iterable[HistoryEvent]) -> int:
        """Take the events that follow those already known, in any order; return how many were taken.

        Known events are ignored. Events beyond a gap are left for a later call, since histories are read while they
        are written.
        """
        taken = 0
        for event in sorted(events, key=lambda event: int(event["id"])):
            if event["id"] == self.last_event_id + 1:
                self._take(event)
                self.last_event_id += 1
                taken += 1
        return taken

    def _take(self, event: HistoryEvent) -> None:
        kind: str = event["type"]
        details = _details(event)
        before = self._visit_of.get(event.get("previousEventId", 0))
        if kind.startswith("Execution"):
            owner = before
            self._take_execution_event(kind, details, before, event["timestamp"])
        elif kind.endswith(ENTERED):
            owner = self._enter(kind.removesuffix(ENTERED), details, before, event)
        else:
            owner = self._owner(kind, details, before)
            if owner is not None:
                self._take_state_event(kind, details, owner, before, event["timestamp"])
        self._visit_of[event["id"]] = owner
        if kind in BEGINNINGS_OF_SCOPE:
            self._opens_scope.add(event["id"])

    def _enter(self, kind: str, details: Mapping[str, Any], before: int | None, event: HistoryEvent) -> int:
        if before is None or event["previousEventId"] in self._opens_scope:
            parent, previous = before, None
        else:
            parent, previous = self._visits[before].parent, before
        index = len(self._visits)
        self._visits.append(Visit(details.get("name", "?"), kind, event["timestamp"], parent, previous))
        self._open.add(index)
        self._inputs[index] = details.get("input")
        return index

    def _owner(self, kind: str, details: Mapping[str, Any], before: int | None) -> int | None:
        """Return the visit that an event belongs to: the one before it, or a state around that one."""
        if kind.startswith("MapIteration") or kind.endswith(EXITED):
            return self._climb(before, state=details.get("name"))
        for container in ("Parallel", "Map"):
            if kind.startswith((f"{container}State", f"{container}Run")):
                return self._climb(before, kind=container)
        return before

    def _climb(self, index: int | None, *, state: str | None = None, kind: str | None = None) -> int | None:
        candidate = index
        while candidate is not None:
            visit = self._visits[candidate]
            if candidate in self._open and (visit.state == state or visit.kind == kind):
                return candidate
            candidate = visit.parent
        return index

    def _take_state_event(
        self, kind: str, details: Mapping[str, Any], owner: int, before: int | None, at: float
    ) -> None:
        visit = self._visits[owner]
        if kind in BEGINNINGS_OF_WORK:
            # After a redrive the visit that had failed is at work again.
            self._visits[owner] = replace(visit, attempts=visit.attempts + 1, status="running", exited=None)
            self._open.add(owner)
            self._failing.discard(owner)
        elif kind.endswith(EXITED):
            self._close(owner, at, "caught" if owner in self._failing else "succeeded")
            changed = changed_fields(self._inputs.pop(owner, None), details.get("output"))
            self._visits[owner] = replace(self._visits[owner], changed=changed)
        elif kind.endswith(ABORTED):
            self._close(owner, at, "aborted")
        elif kind.endswith("Succeeded") and kind != "MapIterationSucceeded":
            self._failing.discard(owner)
        elif kind.endswith(("Failed", "TimedOut")):
            self._fail_attempt(owner, details, before)

    def _fail_attempt(self, owner: int, details: Mapping[str, Any], before: int | None) -> None:
        """Note a failed attempt; a Parallel or Map that fails has the error of what failed in it."""
        inner = self._visits[before].failures if before is not None and before != owner else ()
        failure = parse_failure(details.get("error"), details.get("cause"))
        if "error" not in details and inner:
            failure = inner[-1]
        visit = self._visits[owner]
        if owner not in self._failing:
            self._visits[owner] = replace(visit, failures=(*visit.failures, failure))
        self._failing.add(owner)

    def _take_execution_event(self, kind: str, details: Mapping[str, Any], before: int | None, at: float) -> None:
        if kind == "ExecutionStarted":
            self.started, self.input = at, details.get("input")
        elif kind == "ExecutionRedriven":
            self.status, self.stopped, self.failure = "RUNNING", None, None
        elif kind in ENDINGS:
            self.status, self.stopped, self.output = ENDINGS[kind], at, details.get("output")
            if self.status != "SUCCEEDED":
                error = details.get("error") or {"ABORTED": "Aborted", "TIMED_OUT": "States.Timeout"}.get(self.status)
                self.failure = parse_failure(error, details.get("cause"))
            self._close_all(before, at)

    def _close_all(self, last: int | None, at: float) -> None:
        guilty = self._guilty(last) if self.status in ("FAILED", "TIMED_OUT") else set()
        for index in sorted(self._open):
            if index in guilty:
                if not self._visits[index].failures and self.failure is not None:
                    self._visits[index] = replace(self._visits[index], failures=(self.failure,))
                self._close(index, at, "failed", and_inside=False)
            else:
                succeeded = self.status == "SUCCEEDED"
                self._close(index, at, "succeeded" if succeeded else "aborted", and_inside=False)

    def _guilty(self, last: int | None) -> set[int]:
        """Return the visits that an execution failed in, with the states around them."""
        guilty: set[int] = set()
        for index in (self._failing & self._open) or ({last} if last is not None else set()):
            at: int | None = index
            while at is not None:
                guilty.add(at)
                at = self._visits[at].parent
        return guilty

    def _close(self, index: int, at: float, status: VisitStatus, *, and_inside: bool = True) -> None:
        self._visits[index] = replace(self._visits[index], exited=at, status=status)
        self._open.discard(index)
        if and_inside and self._visits[index].kind in ("Parallel", "Map"):
            for inner in [inner for inner in self._open if self._is_inside(inner, index)]:
                failed = inner in self._failing
                self._close(inner, at, "failed" if failed else "aborted", and_inside=False)
        self._failing.discard(index)

    def _is_inside(self, index: int, container: int) -> bool:
        at = self._visits[index].parent
        while at is not None and at != container:
            at = self._visits[at].parent
        return at == container


def _details(event: HistoryEvent) -> Mapping[str, Any]:
    """Return the one `…EventDetails` that an event has; an empty mapping without one."""
    return next((value for name, value in event.items() if name.endswith("EventDetails")), {})
