import io

from rich.console import Console

from model_tools.cli.output import CommandOutput
from model_tools.cli.progress_view import LineView, TableView, choose_view, shorten
from model_tools.workflow.history import ExecutionHistory
from model_tools.workflow.progress import changes
from tests.support.fakes.execution_events import Recorder, refused_before_traffic, released_by_canary


def screen(events: list[dict], *, height: int = 40, now: float = 2000.0) -> list[str]:
    output = CommandOutput()
    output.console = Console(file=io.StringIO(), width=100, height=height, force_terminal=True, color_system=None)
    view = TableView(output, lambda: now)
    history = ExecutionHistory()
    history.feed(events)
    view.show(history, changes((), history.visits, now=now))
    with output.console.capture() as shown:
        output.console.print(view.render())
    return [line.rstrip() for line in shown.get().splitlines()]


def test_a_state_has_one_row_with_its_visits_and_all_their_time():
    lines = screen(released_by_canary())

    (row,) = [line for line in lines if "ShiftTraffic" in line]
    assert row.split()[:4] == ["✓", "ShiftTraffic", "×2", "8.0"]
    assert "100 % of the traffic goes to version 4" in row


def test_where_it_was_refused_is_marked_with_the_reason():
    lines = screen(refused_before_traffic())

    (row,) = [line for line in lines if "TraceAndPackageModel" in line]
    assert row.startswith("✗")
    assert "ParityFailed: it answers otherwise" in row


def test_a_failure_that_the_workflow_recovers_from_is_marked_otherwise():
    recorder = Recorder().start()
    recorder.enter("AcquireLease")
    recorder.work(error="DynamoDB.ConditionalCheckFailedException")
    recorder.leave("AcquireLease", lease_conflict={"Error": "DynamoDB.ConditionalCheckFailedException"})

    (row,) = [line for line in screen(recorder.events) if "AcquireLease" in line]
    assert row.startswith("!")


def test_a_state_at_work_counts_its_time_until_now():
    recorder = Recorder().start()
    recorder.enter("Bake", "Wait")

    (row,) = [line for line in screen(recorder.events, now=1001 + 185) if "Bake" in line]
    assert "3 min 05 s" in row


def test_retries_are_counted():
    recorder = Recorder().start()
    recorder.enter("TraceAndPackageModel")
    recorder.work(error="ServiceUnavailable")
    recorder.add("TaskScheduled")

    assert any("TraceAndPackageModel ↻1" in line for line in screen(recorder.events))


def test_on_a_low_screen_the_newest_rows_stay_visible_until_the_end():
    events = released_by_canary()
    running, ended = screen(events[:-3], height=5), screen(events, height=5)

    assert len(running) == 2
    assert "ShiftTraffic" in running[-1]
    assert len(ended) == 5
    assert not any("PublishSucceeded" in line for line in ended)


def test_the_table_is_for_terminals_alone():
    assert isinstance(choose_view(CommandOutput(), lambda: 0.0), LineView)
    terminal = CommandOutput()
    terminal.console = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(choose_view(terminal, lambda: 0.0), TableView)


def test_waiting_for_another_publication_is_told_in_words_and_not_as_a_failed_condition():
    raw = "DynamoDB.ConditionalCheckFailedException: The conditional request failed (Service: AmazonDynamoDBv2; …)"

    assert shorten(raw) == "another publication holds the lease: waiting until it has ended"
