import pytest

from model_tools.release.lease import Claim, Lease, LeaseDecision, LeaseOutcome, acquire_lease, decide
from tests.support.fakes.lease_record import FakeLeaseRecord

ME, OTHER = "arn:me", "arn:other"
CLAIM = Claim(ME, "digits-1", "2026-01-02T03:04:05Z")


def running(_arn: str) -> str:
    return "RUNNING"


def ended(_arn: str) -> str:
    return "ABORTED"


def unknown(_arn: str) -> None:
    return None


def test_a_free_lease_is_acquired() -> None:
    assert decide(Lease(None, 3), asker=ME, holder_status=None, last_wait=0) == LeaseDecision("acquire")


def test_a_lease_in_ones_own_hands_is_kept() -> None:
    assert decide(Lease(ME, 3), asker=ME, holder_status=None, last_wait=0) == LeaseDecision("keep")


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_a_holder_at_work_is_waited_for_a_minute_longer_each_time(status: str) -> None:
    waits = [decide(Lease(OTHER, 3), asker=ME, holder_status=status, last_wait=last) for last in (0, 60, 120)]

    assert waits == [LeaseDecision("wait", 60), LeaseDecision("wait", 120), LeaseDecision("wait", 180)]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", None])
def test_a_holder_that_has_ended_or_never_was_is_taken_over(status: str | None) -> None:
    assert decide(Lease(OTHER, 3), asker=ME, holder_status=status, last_wait=60) == LeaseDecision("take_over")


def test_a_month_of_waiting_fits_the_history_of_an_execution() -> None:
    looks, waited, last = 0, 0, 0
    while waited < 30 * 24 * 3600:
        last = decide(Lease(OTHER, 1), asker=ME, holder_status="RUNNING", last_wait=last).wait_seconds
        looks, waited = looks + 1, waited + last

    assert looks * 9 < 25_000 / 2  # nine events a look; the publication itself wants room as well


def test_taking_a_free_lease_raises_the_token_and_writes_who_and_when() -> None:
    record = FakeLeaseRecord(Lease(None, 3))

    outcome = acquire_lease(CLAIM, record, running, last_wait=0)

    assert outcome == LeaseOutcome(held=True, fencing_token=4, wait_seconds=0, other=None)
    assert (record.now, record.claims) == (Lease(ME, 4), [CLAIM])


def test_a_second_run_changes_nothing() -> None:
    record = FakeLeaseRecord()
    first = acquire_lease(CLAIM, record, running, last_wait=0)

    assert acquire_lease(CLAIM, record, running, last_wait=0) == first
    assert len(record.claims) == 1


def test_whoever_waits_writes_nothing_and_says_for_whom() -> None:
    record = FakeLeaseRecord(Lease(OTHER, 3))

    outcome = acquire_lease(CLAIM, record, running, last_wait=60)

    assert outcome == LeaseOutcome(held=False, fencing_token=0, wait_seconds=120, other=OTHER)
    assert record.claims == []


@pytest.mark.parametrize("status_of", [ended, unknown])
def test_a_dead_holder_is_taken_over_under_the_next_token(status_of) -> None:
    outcome = acquire_lease(CLAIM, FakeLeaseRecord(Lease(OTHER, 3)), status_of, last_wait=60)

    assert outcome == LeaseOutcome(held=True, fencing_token=4, wait_seconds=0, other=OTHER)


class Losing(FakeLeaseRecord):
    """Somebody else takes the lease between each look and the write that follows, for some times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def claim_lease(self, claim: Claim, *, seen: Lease) -> Lease | None:
        if self.times:
            self.times -= 1
            self.now = Lease(OTHER, self.now.fencing_token + 1)
        return super().claim_lease(claim, seen=seen)


def test_whoever_is_slower_looks_again_and_waits_for_the_faster() -> None:
    assert acquire_lease(CLAIM, Losing(1), running, last_wait=0).other == OTHER
    assert acquire_lease(CLAIM, Losing(1), ended, last_wait=0).fencing_token == 2


def test_whoever_loses_every_race_asks_again_later() -> None:
    assert acquire_lease(CLAIM, Losing(100), ended, last_wait=0) == LeaseOutcome(
        held=False, fencing_token=0, wait_seconds=60, other=None
    )


class LosingTheAnswer(FakeLeaseRecord):
    """The first write happens, its answer is lost, and the SDK sends it again."""

    def claim_lease(self, claim: Claim, *, seen: Lease) -> Lease | None:
        if not self.claims:
            super().claim_lease(claim, seen=seen)
        return super().claim_lease(claim, seen=seen)


def test_a_lost_answer_leaves_the_lease_in_ones_own_hands_under_one_token() -> None:
    record = LosingTheAnswer()

    assert acquire_lease(CLAIM, record, running, last_wait=0).fencing_token == 1
    assert record.now == Lease(ME, 1)
