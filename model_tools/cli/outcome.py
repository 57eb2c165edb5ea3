"""The last line of a publication: how it ended and what is live now. Nothing here asks AWS or the clock."""

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
class LiveTraffic:
    """The versions that answer the alias now, and the release that was recorded last."""

    shares: Mapping[str, float]
    """Each version's share of the requests, from 0 to 1."""
    release: ReleaseRecord | None

    @property
    def version(self) -> str:
        """The version with the largest share."""
        return max(self.shares, key=lambda version: self.shares[version])

    @property
    def release_id(self) -> str | None:
        """The id of that version's release; None when the last record is of another version."""
        return self.release.release_id if self.release and self.release.version == self.version else None

    def describe(self) -> str:
        """Return in words which versions are live."""
        if len(self.shares) > 1:
            parts = [f"{share * 100:g} % to version {version}" for version, share in self.shares.items()]
            return f"traffic is split: {' and '.join(parts)}"
        if self.release is None:
            return "nothing is published yet"
        name = f" ({self.release_id})" if self.release_id else ""
        return f"version {self.version}{name} is live"

    def to_document(self) -> dict[str, Any]:
        """Return the same as JSON for machines."""
        return {"version": self.version, "release_id": self.release_id, "shares": dict(self.shares)}


@dataclass(frozen=True)
class PublicationOutcome:
    """The end of an execution: exit code, last line for people, the same for machines."""

    code: int
    line: str
    document: Mapping[str, Any]


def conclude(history: ExecutionHistory, live: LiveTraffic) -> PublicationOutcome:
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
            return PublicationOutcome(
                DONE, f"already live: alias live → {live.describe()}; nothing had to be done", document
            )
        took = duration(history.seconds)
        return PublicationOutcome(DONE, f"done in {took}: alias live → {live.describe()}", document)
    now = _traffic_now(history, live)
    if history.status == "ABORTED":
        way_back = "; the next publication gives all traffic back first" if len(live.shares) > 1 else ""
        return PublicationOutcome(USER, f"stopped by hand: {failure}; {live.describe()}{way_back}", document)
    error = failure.error if failure else "States.Unknown"
    told = str(failure).rstrip(".")  # the sentence goes on
    if is_refusal(error):
        return PublicationOutcome(USER, f"refused: {told}; {now}", document)
    return PublicationOutcome(FAULT, f"failed: {told}; {now}", document)


def _traffic_now(history: ExecutionHistory, live: LiveTraffic) -> str:
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
