import json

from model_tools.workflow.cause import Failure, parse_failure
from model_tools.workflow.history import ExecutionHistory
from model_tools.workflow.visits import MAX_SUMMARY, summarise
from tests.support.fakes.execution_events import Recorder, refused_before_traffic, released_by_canary


def fold(events: list[dict]) -> ExecutionHistory:
    history = ExecutionHistory()
    history.feed(events)
    return history


def statuses(history: ExecutionHistory) -> list[tuple[str, str]]:
    return [(visit.state, visit.status) for visit in history.visits]


def test_a_successful_execution_is_a_row_of_succeeded_visits():
    history = fold(released_by_canary())

    assert history.status == "SUCCEEDED"
    assert {status for _, status in statuses(history)} == {"succeeded"}
    assert [visit.state for visit in history.visits].count("ShiftTraffic") == 2
    assert history.visits[0].seconds(now=0) == 4
    assert json.loads(history.output or "")["version"] == "4"
    assert history.started == 1000
    assert history.stopped == history.visits[-1].exited + 1


def test_a_visit_knows_what_its_state_changed():
    history = fold(released_by_canary())

    assert history.visits[0].changed == {"release": {"id": "digits-1"}}
    assert history.visits[2].changed == {"candidate": {"version": "4"}}


def test_retries_stay_in_one_visit_and_keep_their_errors():
    recorder = Recorder().start()
    recorder.enter("TraceAndPackageModel")
    recorder.work(error="Lambda.TooManyRequestsException", cause="slow down")
    recorder.work(error="ServiceUnavailable", cause="again")
    recorder.work()
    recorder.leave("TraceAndPackageModel")
    (visit,) = fold(recorder.events).visits

    assert (visit.status, visit.attempts, visit.retries) == ("succeeded", 3, 2)
    assert [failure.error for failure in visit.failures] == ["Lambda.TooManyRequestsException", "ServiceUnavailable"]
    assert visit.failure is None


def test_a_caught_failure_is_told_from_the_one_that_ends_the_execution():
    history = fold(refused_before_traffic())

    assert statuses(history) == [
        ("ResolveModel", "succeeded"),
        ("TraceAndPackageModel", "caught"),
        ("RecordFailure", "succeeded"),
        ("PublishFailed", "failed"),
    ]
    assert history.visits[1].failure == Failure("ParityFailed", "it answers otherwise")
    assert history.visits[3].failure == Failure("ParityFailed", "it answers otherwise")
    assert history.failure == Failure("ParityFailed", "it answers otherwise")


def test_an_uncaught_failure_fails_the_state_that_it_happened_in():
    recorder = Recorder().start()
    recorder.enter("ResolveModel")
    recorder.work(error="States.Timeout", cause="")
    history = fold(recorder.fail("States.Timeout", ""))

    assert statuses(history) == [("ResolveModel", "failed")]
    assert history.visits[0].exited == history.stopped
    assert history.visits[0].failure == Failure("States.Timeout", "")


def test_a_state_without_an_event_of_its_failure_takes_the_executions():
    recorder = Recorder().start()
    recorder.enter("Choose", "Choice")
    history = fold(recorder.fail("States.Runtime", "no choice matched"))

    assert statuses(history) == [("Choose", "failed")]
    assert history.visits[0].failure == Failure("States.Runtime", "no choice matched")


def test_states_that_were_at_work_when_somebody_stopped_the_execution_are_aborted():
    recorder = Recorder().start()
    recorder.enter("Bake", "Wait")
    recorder.add("ExecutionAborted", error="Operator", cause="not today")
    history = fold(recorder.events)

    assert history.status == "ABORTED"
    assert statuses(history) == [("Bake", "aborted")]
    assert history.failure == Failure("Operator", "not today")


def nested() -> Recorder:
    """Two branches, interleaved; both know a state of the same name."""
    recorder = Recorder().start()
    recorder.enter("Both", "Parallel")
    began = recorder.add("ParallelStateStarted")
    left = recorder.enter("Check", "Wait", after=began)
    right = recorder.enter("Check", "Pass", after=began)
    recorder.leave("Check", "Pass", after=right)
    left_out = recorder.leave("Check", "Wait", after=left)
    recorder.enter("Then", "Pass", after=left_out)
    last = recorder.leave("Then", "Pass")
    recorder.add("ParallelStateSucceeded", after=last)
    out = recorder.leave("Both", "Parallel", after=last)
    recorder.enter("After", "Pass", after=out)
    recorder.leave("After", "Pass")
    return recorder


def test_branches_belong_to_their_parallel_state_and_are_not_mixed_up():
    visits = fold(nested().succeed()).visits

    assert [(visit.state, visit.parent, visit.previous) for visit in visits] == [
        ("Both", None, None),
        ("Check", 0, None),
        ("Check", 0, None),
        ("Then", 0, 1),
        ("After", None, 0),
    ]
    assert (visits[1].kind, visits[1].exited) == ("Wait", 1006.0)
    assert (visits[2].kind, visits[2].exited) == ("Pass", 1005.0)
    assert {visit.status for visit in visits} == {"succeeded"}


def test_a_failing_branch_fails_its_parallel_state_and_aborts_the_other_branch():
    recorder = Recorder().start()
    recorder.enter("Both", "Parallel")
    began = recorder.add("ParallelStateStarted")
    left = recorder.enter("Work", after=began)
    recorder.enter("Idle", "Wait", after=began)
    recorder.add("TaskScheduled", after=left)
    recorder.add("TaskFailed", error="GateFailed", cause="too low")
    recorder.add("ParallelStateFailed")
    recorder.leave("Both", "Parallel")
    recorder.enter("Handle", "Pass")
    recorder.leave("Handle", "Pass")
    history = fold(recorder.succeed())

    assert statuses(history) == [
        ("Both", "caught"),
        ("Work", "failed"),
        ("Idle", "aborted"),
        ("Handle", "succeeded"),
    ]
    assert history.visits[0].failure == Failure("GateFailed", "too low")
    assert history.visits[3].parent is None


def test_a_failure_around_an_inner_state_that_succeeded_is_the_outer_states():
    recorder = Recorder().start()
    recorder.enter("Outer", "Map")
    recorder.add("MapStateStarted", length=1)
    recorder.add("MapIterationStarted", name="Outer", index=0)
    recorder.enter("Inner", "Map")
    recorder.add("MapStateStarted", length=0)
    recorder.add("MapStateSucceeded")
    recorder.leave("Inner", "Map")
    recorder.add("MapStateFailed", error="States.ExceedToleratedFailureThreshold", cause="")
    recorder.leave("Outer", "Map")

    assert statuses(fold(recorder.succeed())) == [("Outer", "caught"), ("Inner", "succeeded")]


def test_iterations_of_a_map_belong_to_it():
    recorder = Recorder().start()
    recorder.enter("Each", "Map")
    began = recorder.add("MapStateStarted", length=2)
    for index in range(2):
        recorder.add("MapIterationStarted", after=began, name="Each", index=index)
        recorder.enter("Ask", "Pass")
        recorder.leave("Ask", "Pass")
        began = recorder.add("MapIterationSucceeded", name="Each", index=index)
    recorder.add("MapStateSucceeded")
    recorder.leave("Each", "Map")
    history = fold(recorder.succeed())

    assert [(visit.state, visit.parent, visit.status) for visit in history.visits] == [
        ("Each", None, "succeeded"),
        ("Ask", 0, "succeeded"),
        ("Ask", 0, "succeeded"),
    ]


def test_events_fed_one_by_one_twice_and_out_of_order_fold_to_the_same():
    events = nested().succeed()
    whole = fold(events)
    piecewise = ExecutionHistory()
    for end in range(len(events) + 1):
        piecewise.feed(reversed(events[:end]))
        piecewise.feed(events[:end])

    assert piecewise.visits == whole.visits
    assert piecewise.status == whole.status


def test_events_beyond_a_gap_wait_for_the_missing_one():
    events = released_by_canary()
    history = ExecutionHistory()

    assert history.feed(events[:4] + events[5:]) == 4
    assert not history.ended
    assert history.feed(events[4:]) == len(events) - 4
    assert history.ended


def test_a_redrive_puts_the_failed_state_back_to_work():
    recorder = Recorder().start()
    recorder.enter("Work")
    recorder.work(error="ServiceUnavailable", cause="x")
    recorder.fail("ServiceUnavailable", "x")
    recorder.add("ExecutionRedriven", redriveCount=1)
    recorder.work()
    recorder.leave("Work", done=True)
    history = fold(recorder.succeed())

    assert statuses(history) == [("Work", "succeeded")]
    assert history.visits[0].retries == 1
    assert history.status == "SUCCEEDED"
    assert history.failure is None


def test_a_cause_that_is_a_functions_json_gives_its_error_and_message():
    cause = json.dumps({"errorMessage": "classes.txt is empty", "errorType": "ClassesMismatch", "stackTrace": ["…"]})

    assert parse_failure("Lambda.Unknown", cause) == Failure("ClassesMismatch", "classes.txt is empty")


def test_a_cause_is_followed_into_the_execution_that_failed():
    inner = json.dumps({"errorMessage": "no such file", "errorType": "ModelNotFound"})
    cause = json.dumps({"ExecutionArn": "arn:…", "Status": "FAILED", "Error": "ModelNotFound", "Cause": inner})

    assert parse_failure("States.TaskFailed", cause) == Failure("ModelNotFound", "no such file")


def test_a_cause_in_plain_words_or_broken_json_is_kept_as_it_is():
    assert parse_failure("CanaryFailed", "{not json") == Failure("CanaryFailed", "{not json")
    assert str(parse_failure(None, None)) == "States.Unknown"


def test_a_summary_fits_on_a_line():
    assert summarise({}) == ""
    assert summarise({"version": "4"}) == '{"version": "4"}'
    assert len(summarise({"x": "y" * 1000})) == MAX_SUMMARY
