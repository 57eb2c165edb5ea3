import json

from model_tools.aws.faults import CallFailed
from model_tools.cli.main import run
from tests.support.fakes.aws_services import FakeExecutions, FakeStack
from tests.support.fakes.execution_events import Recorder, refused_before_traffic, released_by_canary


def test_without_a_name_the_newest_execution_is_watched(capsys):
    stack = FakeStack(executions=FakeExecutions(released_by_canary()))

    assert run(["watch"], stack.command()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "execution newest"
    assert lines[-1].startswith("done in 38 s: ")


def test_a_refused_execution_ends_with_1_and_shows_where_it_was_caught(capsys):
    stack = FakeStack(executions=FakeExecutions(refused_before_traffic()))

    assert run(["watch", "run-7"], stack.command()) == 1
    out = capsys.readouterr().out
    assert "execution run-7" in out
    assert "✗ TraceAndPackageModel" in out
    assert "ParityFailed: it answers otherwise" in out


def test_a_loop_is_told_when_it_begins_and_summed_up_when_it_is_over(capsys):
    recorder = Recorder().start()
    for _ in range(3):
        recorder.run("ReadSnapshot")
        recorder.enter("IsSnapshotReady", "Choice")
        recorder.leave("IsSnapshotReady", "Choice")
        recorder.enter("WaitForSnapshot", "Wait")
        recorder.leave("WaitForSnapshot", "Wait")
    recorder.run("SmokeTestVersion")
    stack = FakeStack(executions=FakeExecutions(recorder.succeed(), at_once=100))
    run(["watch"], stack.command())

    assert [line.split() for line in capsys.readouterr().out.splitlines()[1:-1]] == [
        ["✓", "ReadSnapshot", "4.0", "s"],
        ["✓", "WaitForSnapshot", "1.0", "s"],
        ["✓", "ReadSnapshot", "×3", "12", "s"],
        ["✓", "WaitForSnapshot", "×3", "3.0", "s"],
        ["✓", "SmokeTestVersion", "4.0", "s"],
    ]


def test_retries_are_told_with_their_reason(capsys):
    recorder = Recorder().start()
    recorder.enter("TraceAndPackageModel")
    recorder.work(error="ServiceUnavailable", cause="S3 is busy")
    recorder.work()
    recorder.leave("TraceAndPackageModel")
    run(["watch"], FakeStack(executions=FakeExecutions(recorder.succeed())).command())

    assert "attempt 2 after ServiceUnavailable: S3 is busy" in capsys.readouterr().out


def test_nothing_to_watch_says_how_to_begin(capsys):
    assert run(["watch"], FakeStack().command()) == 1
    assert "Nothing was published yet" in capsys.readouterr().err


def test_losing_the_connection_says_that_the_execution_may_go_on(capsys):
    def fail(look):
        if look == 2:
            raise CallFailed("nothing answers")

    stack = FakeStack(executions=FakeExecutions(released_by_canary(), on_look=fail))

    assert run(["watch", "run-7"], stack.command()) == 2
    told = capsys.readouterr().err
    assert "model-tools watch run-7" in told
    assert "nothing answers" in told


def test_an_execution_whose_history_never_ends_is_not_watched_for_ever(capsys):
    events = released_by_canary()[:-1]
    stack = FakeStack(executions=FakeExecutions(events, status="FAILED"))

    assert run(["watch"], stack.command()) == 2
    assert "its history does not say how it ended" in capsys.readouterr().err


def test_a_quiet_execution_that_goes_on_is_watched_to_its_end():
    stack = FakeStack(executions=FakeExecutions([], status="RUNNING"))

    def reveal(look):
        if look == 200:
            stack.executions.events = released_by_canary()

    stack.executions.on_look = reveal
    assert run(["watch", "run-7"], stack.command()) == 0


def test_for_machines_progress_is_json(capsys):
    stack = FakeStack(executions=FakeExecutions(refused_before_traffic()))

    assert run(["watch", "--json"], stack.command()) == 1
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    caught = next(document for document in said if document.get("kind") == "caught")
    assert (caught["state"], caught["seconds"]) == ("TraceAndPackageModel", 4.0)
    assert said[-1]["error"] == "ParityFailed"
    assert said[-1]["live"]["version"] == "4"
