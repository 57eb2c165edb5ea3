"""The lease policy: one publication at a time may change the inference function, and a dead one holds up nobody.

The lease names the execution that holds it and has no end of its own: it ends with its holder, not with a clock
(decision 0003). A fencing token counts the holders; traffic is moved, and the record written, only under the token of
the last. `decide` is the policy, and pure: the record, the holder's status and the last wait come in as values.
`acquire_lease` executes it, and is handed the ways to read and to write.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

AT_WORK = frozenset({"RUNNING", "PENDING_REDRIVE"})
"""The statuses of an execution that goes on, or that may be told to. Any other has ended [DescribeExecution]."""
WAIT_STEP = 60
"""Seconds by which each wait is longer than the one before: seven days are 142 looks, of nine events each, and an
execution's history holds 25,000 events."""
RACES = 5
"""Times that somebody else may be faster within one look, before the next wait."""


@dataclass(frozen=True)
class Lease:
    """The registry's record of the lease, as it was read."""

    holder: str | None = None
    """The ARN of the execution that may change the function now; None while it is free."""
    fencing_token: int = 0
    """The number of holders so far, the present one counted."""


@dataclass(frozen=True)
class Claim:
    """The fields that a publication writes when it takes the lease."""

    holder: str
    """The ARN of its execution."""
    release_id: str
    at: str
    """ISO 8601."""


@dataclass(frozen=True)
class LeaseDecision:
    """The next step of a publication that wants the lease."""

    kind: Literal["keep", "acquire", "take_over", "wait"]
    """`keep` a lease that it holds already, `acquire` one that is free, `take_over` one whose holder has ended, or
    `wait` and ask again."""
    wait_seconds: int = 0
    """Seconds until it should ask again; 0 unless it waits."""


@dataclass(frozen=True)
class LeaseOutcome:
    """The result of one look at the lease."""

    held: bool
    """True when the publication that asked holds the lease now."""
    fencing_token: int
    """The token of the lease that it holds; 0 while it waits."""
    wait_seconds: int
    """Seconds until it should ask again; 0 when it need not."""
    other: str | None
    """The execution that it waits for, or took the lease over from."""


class LeaseRecord(Protocol):
    """Reads and writes the registry's record of the lease."""

    def lease(self) -> Lease:
        """Return the record as it is now; a lease that was never taken is free."""

    def claim_lease(self, claim: Claim, *, seen: Lease) -> Lease | None:
        """Write a claim under the next token and return the new record; None when it is no longer as it was seen."""


def decide(lease: Lease, *, asker: str, holder_status: str | None, last_wait: int) -> LeaseDecision:
    """Return the next step of the execution `asker` towards a lease.

    `holder_status` is that of the holder's execution, None when there is no such execution. `last_wait` is the
    length in seconds of the asker's wait before this look, 0 at its first.
    """
    if lease.holder == asker:
        return LeaseDecision("keep")
    if lease.holder is None:
        return LeaseDecision("acquire")
    if holder_status in AT_WORK:
        return LeaseDecision("wait", last_wait + WAIT_STEP)
    return LeaseDecision("take_over")


def acquire_lease(
    claim: Claim, record: LeaseRecord, status_of: Callable[[str], str | None], *, last_wait: int
) -> LeaseOutcome:
    """Look at the lease once and take it if the policy says so.

    Every write names what was read, so whoever is slower writes nothing and looks again. A second run finds the lease
    in its own hands and keeps it, under the same token.
    """
    for _ in range(RACES):
        lease = record.lease()
        is_others = lease.holder not in (None, claim.holder)
        status = status_of(lease.holder) if lease.holder is not None and is_others else None
        decision = decide(lease, asker=claim.holder, holder_status=status, last_wait=last_wait)
        other = lease.holder if is_others else None
        if decision.kind == "wait":
            return LeaseOutcome(held=False, fencing_token=0, wait_seconds=decision.wait_seconds, other=other)
        taken = lease if decision.kind == "keep" else record.claim_lease(claim, seen=lease)
        if taken is not None:
            return LeaseOutcome(held=True, fencing_token=taken.fencing_token, wait_seconds=0, other=other)
    return LeaseOutcome(held=False, fencing_token=0, wait_seconds=last_wait + WAIT_STEP, other=None)
