"""A visit: one stay of an execution in one state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from model_tools.workflow.cause import Failure

VisitStatus = Literal["running", "succeeded", "caught", "failed", "aborted"]
"""`caught`: it failed and the workflow went on by a Catch; `failed`: it ended the execution (or its branch)."""
MAX_SUMMARY = 200
"""Characters of the line that sums a state's changes up."""


@dataclass(frozen=True)
class Visit:
    """One stay in one state. Loops visit a state many times; retries stay within one visit."""

    state: str
    kind: str
    """The state's type: Task, Wait, Choice, Pass, Parallel, Map, Succeed, Fail."""
    entered: float
    """Seconds since the epoch, as all times here."""
    parent: int | None = None
    """The index of the visit of the Parallel or Map state around it."""
    previous: int | None = None
    """The index of the visit that it came from; None for the first in its scope."""
    exited: float | None = None
    status: VisitStatus = "running"
    attempts: int = 0
    """The times that its work was begun; 0 for states that have none."""
    failures: tuple[Failure, ...] = ()
    """The failures of its attempts, also when a later attempt succeeded."""
    changed: Mapping[str, object] = field(default_factory=dict)
    """The top-level fields of the output that the input lacks or has with another value."""

    @property
    def retries(self) -> int:
        """The attempts after the first."""
        return max(self.attempts - 1, 0)

    @property
    def failure(self) -> Failure | None:
        """The failure that the visit ended with; None unless it did."""
        return self.failures[-1] if self.failures and self.status in ("caught", "failed") else None

    def seconds(self, now: float) -> float:
        """Return how long the visit took, or has taken until now."""
        return max((now if self.exited is None else self.exited) - self.entered, 0.0)


def changed_fields(before: str | None, after: str | None) -> dict[str, object]:
    """Return the top-level fields of a state's output (JSON) that its input (JSON) lacks or has with another value."""
    old, new = _object(before), _object(after)
    return {name: value for name, value in new.items() if name not in old or old[name] != value}


def summarise(changed: Mapping[str, object]) -> str:
    """Return a state's changes on one line of at most 200 characters; empty when there are none."""
    if not changed:
        return ""
    text = json.dumps(changed, ensure_ascii=False, default=str)
    return text if len(text) <= MAX_SUMMARY else f"{text[: MAX_SUMMARY - 1]}…"


def _object(text: str | None) -> dict[str, object]:
    try:
        value = json.loads(text or "null")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
