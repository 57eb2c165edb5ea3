import pytest

from model_tools.cli.outcome import LiveTraffic, conclude
from model_tools.workflow.history import ExecutionHistory
from tests.support.fakes.aws_services import live_record
from tests.support.fakes.execution_events import Recorder, refused_before_traffic, released_by_canary


def ended(events: list[dict]) -> ExecutionHistory:
    history = ExecutionHistory()
    history.feed(events)
    return history


def live(version: str = "4") -> LiveTraffic:
    return LiveTraffic({version: 1.0}, live_record(version))


def test_a_release_ends_with_what_is_live():
    outcome = conclude(ended(released_by_canary()), live())

    assert (outcome.code, outcome.line) == (0, "done in 38 s: alias live → version 4 (digits-1) is live")
    assert outcome.document["release_id"] == "digits-1"
    assert outcome.document["live"] == {"version": "4", "release_id": "digits-1", "shares": {"4": 1.0}}


def test_a_release_that_is_live_already_says_so():
    events = Recorder().start().succeed(status="ALREADY_LIVE", release_id="digits-1", version="4")

    assert conclude(ended(events), live()).line.startswith("already live: ")


def test_a_refusal_before_any_traffic_says_that_traffic_was_untouched():
    outcome = conclude(ended(refused_before_traffic()), live("3"))

    assert outcome.code == 1
    assert outcome.line == (
        "refused: ParityFailed: it answers otherwise; traffic untouched, version 3 (digits-1) still live"
    )


def test_a_refusal_during_the_canary_says_that_traffic_is_back():
    recorder = Recorder().start()
    recorder.run("ShiftTraffic")
    outcome = conclude(ended(recorder.fail("CanaryFailed", "3 of 9 failed")), live("3"))

    assert outcome.line == "refused: CanaryFailed: 3 of 9 failed; all traffic is on version 3 (digits-1) again"
    assert outcome.document["traffic_was_offered"] is True


def test_a_refusal_that_left_the_traffic_split_never_says_otherwise():
    recorder = Recorder().start()
    recorder.run("ShiftTraffic")
    outcome = conclude(ended(recorder.fail("AliasChanged", "x")), LiveTraffic({"3": 0.9, "4": 0.1}, live_record("3")))

    assert outcome.line.endswith("traffic is split: 90 % to version 3 and 10 % to version 4")


def test_the_first_publication_refused_leaves_nothing_published():
    outcome = conclude(ended(refused_before_traffic()), LiveTraffic({"1": 1.0}, None))

    assert outcome.line.endswith("traffic untouched, nothing is published yet")


def test_a_message_that_is_a_sentence_goes_on_with_what_is_live():
    line = conclude(ended(refused_before_traffic(message="It answers otherwise.")), live("3")).line

    assert "otherwise; traffic untouched" in line


@pytest.mark.parametrize(("error", "code"), [("States.Timeout", 2), ("ServiceUnavailable", 2), ("LeaseLost", 1)])
def test_what_broke_is_told_from_what_was_refused(error, code):
    outcome = conclude(ended(Recorder().start().fail(error, "x")), live())

    assert outcome.code == code
    assert outcome.line.startswith("failed" if code == 2 else "refused")


def test_a_stopped_publication_is_the_users_doing():
    recorder = Recorder().start()
    recorder.enter("Bake", "Wait")
    recorder.add("ExecutionAborted", error="Operator", cause="")

    outcome = conclude(ended(recorder.events), live())
    assert (outcome.code, outcome.line) == (1, "stopped by hand: Operator; version 4 (digits-1) is live")


def test_a_record_of_another_version_gives_its_release_id_to_nobody():
    assert LiveTraffic({"5": 1.0}, live_record("4")).describe() == "version 5 is live"
