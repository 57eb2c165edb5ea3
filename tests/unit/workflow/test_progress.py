from model_tools.workflow.history import ExecutionHistory
from model_tools.workflow.progress import Change, changes, traffic_was_offered
from tests.support.fakes.execution_events import Recorder, refused_before_traffic, released_by_canary


def told(events: list[dict], *, look_after: list[int]) -> list[Change]:
    """Everything that is told when one looks after each of these numbers of events."""
    history = ExecutionHistory()
    found: list[Change] = []
    for end in look_after:
        before = history.visits
        history.feed(events[:end])
        found += changes(before, history.visits, now=5000.0)
    return found


def test_a_start_and_an_end_are_told_once_however_often_one_looks():
    events = released_by_canary()
    at_once = told(events, look_after=[len(events)])
    step_by_step = told(events, look_after=list(range(len(events) + 1)))

    assert sorted(at_once, key=str) == sorted(step_by_step, key=str)
    assert [change.kind for change in at_once if change.state == "ResolveModel"] == ["started", "finished"]


def test_shifts_of_the_traffic_are_told_with_share_and_version():
    events = released_by_canary()

    notes = [change.note for change in told(events, look_after=[len(events)]) if change.kind == "traffic"]
    assert notes == ["10 % of the traffic goes to version 4", "100 % of the traffic goes to version 4"]


def test_a_restored_alias_is_told_with_the_version_that_is_back():
    recorder = Recorder().start()
    recorder.run("ReadAlias", {}, {"alias": {"FunctionVersion": "3"}})
    recorder.run("RestoreAlias")

    found = told(recorder.events, look_after=[len(recorder.events)])
    assert [change.note for change in found if change.kind == "traffic"] == ["all traffic is back on version 3"]


def test_a_retry_is_told_with_the_error_before_it():
    recorder = Recorder().start()
    recorder.enter("TraceAndPackageModel")
    recorder.work(error="ServiceUnavailable", cause="S3 is busy")
    recorder.add("TaskScheduled")

    found = told(recorder.events, look_after=[3, len(recorder.events)])
    assert [(change.kind, change.note) for change in found] == [
        ("started", ""),
        ("retried", "attempt 2 after ServiceUnavailable: S3 is busy"),
    ]


def test_a_retry_is_not_told_again_when_its_state_ends():
    recorder = Recorder().start()
    recorder.enter("TraceAndPackageModel")
    recorder.work(error="ServiceUnavailable", cause="S3 is busy")
    recorder.work()
    recorder.leave("TraceAndPackageModel")

    found = told(recorder.events, look_after=[7, len(recorder.events)])
    assert [change.kind for change in found] == ["started", "retried", "finished"]


def test_a_caught_failure_is_told_with_its_reason_and_duration():
    events = refused_before_traffic()
    caught = next(change for change in told(events, look_after=[len(events)]) if change.kind == "caught")

    assert (caught.state, caught.note, caught.seconds) == (
        "TraceAndPackageModel",
        "ParityFailed: it answers otherwise",
        4,
    )


def test_repeated_visits_are_numbered():
    events = released_by_canary()

    numbers = [c.number for c in told(events, look_after=[len(events)]) if c.state == "Bake" or c.kind == "traffic"]
    assert numbers == [1, 2]


def test_traffic_counts_as_offered_only_after_a_shift():
    for events, offered in ((released_by_canary(), True), (refused_before_traffic(), False)):
        history = ExecutionHistory()
        history.feed(events)
        assert traffic_was_offered(history.visits) is offered
