"""The changes in an execution since the last look, in words for display.

Two looks at the visits of the same execution are compared. The states and fields of `publish_model` that move traffic
are known here, so that a shift of the users' traffic is told as one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from model_tools.workflow.visits import Visit

ChangeKind = Literal["started", "retried", "finished", "caught", "failed", "aborted", "traffic"]
SHIFT_TRAFFIC, RESTORE_ALIAS = "ShiftTraffic", "RestoreAlias"
"""The states of publish_model that move the users' traffic."""


@dataclass(frozen=True)
class Change:
    """One thing that happened in an execution."""

    kind: ChangeKind
    at: float
    """Seconds since the epoch."""
    state: str
    visit: int
    """The index of the visit."""
    number: int
    """The number of this visit among those of the same state, from 1."""
    seconds: float | None = None
    """The seconds that the visit took; None while it goes on."""
    note: str = ""
    """The error, the attempt, or the new share of the traffic, in words."""


def changes(before: Sequence[Visit], after: Sequence[Visit], *, now: float) -> list[Change]:
    """Return the changes between two looks, oldest first. `now` dates a retry, which has no time of its own."""
    found: list[Change] = []
    numbers: dict[str, int] = {}
    for index, visit in enumerate(after):
        numbers[visit.state] = number = numbers.get(visit.state, 0) + 1
        old = before[index] if index < len(before) else None
        if old == visit:
            continue
        if old is None:
            found.append(Change("started", visit.entered, visit.state, index, number))
        if visit.retries > (old.retries if old else 0):
            note = f"attempt {visit.attempts}" + (f" after {visit.failures[-1]}" if visit.failures else "")
            at = now if visit.exited is None else visit.exited
            found.append(Change("retried", at, visit.state, index, number, note=note))
        if visit.exited is not None and (old is None or old.exited is None):
            found += _ending(visit, index, number, after)
    return sorted(found, key=lambda change: change.at)


def traffic_was_offered(visits: Sequence[Visit]) -> bool:
    """Tell whether the new version got any of the users' traffic."""
    return any(visit.state == SHIFT_TRAFFIC and visit.status == "succeeded" for visit in visits)


def _ending(visit: Visit, index: int, number: int, visits: Sequence[Visit]) -> list[Change]:
    at = visit.entered if visit.exited is None else visit.exited
    kind: ChangeKind = "finished"
    if visit.status in ("caught", "failed", "aborted"):
        kind = visit.status
    note = str(visit.failure) if visit.failure else ""
    found = [Change(kind, at, visit.state, index, number, visit.seconds(at), note)]
    if visit.status == "succeeded" and (share := _traffic(visit, visits[: index + 1])):
        found.append(Change("traffic", at, visit.state, index, number, note=share))
    return found


def _traffic(visit: Visit, visits: Sequence[Visit]) -> str:
    """Return who has which share of the traffic after a visit that moved it; empty for one that did not."""
    if visit.state == SHIFT_TRAFFIC:
        weight, version = _latest(visits, "traffic", "weight"), _latest(visits, "candidate", "version")
        return f"{weight} % of the traffic goes to version {version}"
    if visit.state == RESTORE_ALIAS:
        return f"all traffic is back on version {_latest(visits, 'alias', 'FunctionVersion')}"
    return ""


def _latest(visits: Sequence[Visit], section: str, name: str) -> object:
    for visit in reversed(visits):
        value = visit.changed.get(section)
        if isinstance(value, Mapping) and name in value:
            return value[name]
    return "?"
