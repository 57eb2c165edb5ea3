"""How a publication ended and what is live now: the last line. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_tools.aws.registry import ReleaseRecord
from model_tools.cli.errors import DONE, FAULT, USER, is_refusal
from model_tools.cli.output import duration
from model_tools.workflow.history import ExecutionHistory
from model_tools.workflow.progress import traffic_was_offered


@dataclass(frozen=True)
class Live:
    """Who gets the requests to the alias now, and which release was recorded last."""

    shares: Mapping[str, float]
    """By version, 0…1."""
    release: ReleaseRecord | None

    @property
    def version(self) -> str:
        """The version with the largest share."""
        return max(self.shares, key=lambda version: self.shares[version])

    @property
    def release_id(self) -> str | None:
        """The release that the version is, by the record; None when the record speaks of another version."""
        return self.release.release_id if self.release and self.release.version == self.version else None

    def describe(self) -> str:
        """Return who is live, in words."""
        if len(self.shares) > 1:
            parts = [f"{share * 100:g} % to version {version}" for version, share in self.shares.items()]
            return f"traffic is split: {' and '.join(parts)}"
        if self.release is None:
            return "nothing is published yet"
        name = f" ({self.release_id})" if self.release_id else ""
        return f"version {self.version}{name} is live"

    def to_document(self) -> dict[str, Any]:
        """Return the same for machines."""
        return {"version": self.version, "release_id": self.release_id, "shares": dict(self.shares)}


@dataclass(frozen=True)
class Outcome:
    """The end of an execution: exit code, last line for people, the same for machines."""

    code: int
    line: str
    document: Mapping[str, Any]


def conclude(history: ExecutionHistory, live: Live) -> Outcome:
    """Return how an execution that has ended ended."""
    output = _object(history.output)
    failure = history.failure
    document = {
        "event": "result",
        "status": history.status,
        "seconds": history.seconds,
        "release_id": output.get("release_id"),
        "publication": output.get("status"),
        "error": failure.error if failure else None,
        "message": failure.message if failure else None,
        "traffic_was_offered": traffic_was_offered(history.visits),
        "live": live.to_document(),
    }
    if history.status == "SUCCEEDED":
        if output.get("status") == "ALREADY_LIVE":
            return Outcome(DONE, f"already live: alias live → {live.describe()}; nothing had to be done", document)
        took = duration(history.seconds)
        return Outcome(DONE, f"done in {took}: alias live → {live.describe()}", document)
    now = _traffic_now(history, live)
    if history.status == "ABORTED":
        way_back = "; the next publication gives all traffic back first" if len(live.shares) > 1 else ""
        return Outcome(USER, f"stopped by hand: {failure}; {live.describe()}{way_back}", document)
    error = failure.error if failure else "States.Unknown"
    told = str(failure).rstrip(".")  # the sentence goes on
    if is_refusal(error):
        return Outcome(USER, f"refused: {told}; {now}", document)
    return Outcome(FAULT, f"failed: {told}; {now}", document)


def _traffic_now(history: ExecutionHistory, live: Live) -> str:
    if len(live.shares) > 1:
        return live.describe()
    if live.release is None:
        return f"traffic untouched, {live.describe()}"
    name = f"version {live.version}" + (f" ({live.release_id})" if live.release_id else "")
    if traffic_was_offered(history.visits):
        return f"all traffic is on {name} again"
    return f"traffic untouched, {name} still live"


def _object(text: str | None) -> dict[str, Any]:
    try:
        value = json.loads(text or "null")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
