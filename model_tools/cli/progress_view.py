"""An execution as it goes: a table that is redrawn on a terminal, lines in a log, JSON for machines."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from model_tools.cli.output import Output, duration
from model_tools.workflow.history import ExecutionHistory
from model_tools.workflow.progress import Change
from model_tools.workflow.visits import Visit

STEERING_KINDS = frozenset({"Choice", "Pass"})
"""States that only steer; they are told about when they fail."""
FINAL_KINDS = frozenset({"Succeed", "Fail"})
"""States that only end an execution; its outcome is told by itself."""
MARKS = {
    "succeeded": ("✓", "green"),
    "caught": ("!", "yellow"),
    "failed": ("✗", "red"),
    "aborted": ("■", "yellow"),
    "running": ("…", "cyan"),
    "finished": ("✓", "green"),
    "retried": ("↻", "yellow"),
    "traffic": ("→", "cyan"),
    "started": ("…", "cyan"),
}
NAME_WIDTH = 26
RESERVED_LINES = 3
FAILURE_FIELD = "error"
"""Where `publish_model` keeps the failure that ends it; what it recovers from is kept elsewhere."""
WORTH_SUMMING_UP = 1.0
"""Seconds that the rounds of a loop must have taken together."""
MAX_NOTE = 120


LEASE_IS_HELD = "DynamoDB.ConditionalCheckFailedException"


def shorten(note: str) -> str:
    """Return a note that fits beside a state; the outcome tells all of it.

    The one failure that every user meets, when two publications meet, is told in words.
    """
    if note.startswith(LEASE_IS_HELD):
        return "another publication holds the lease: waiting until it has ended"
    return note if len(note) <= MAX_NOTE else f"{note[: MAX_NOTE - 1]}…"


class ProgressView(Protocol):
    """Shows an execution while it goes on; a context manager around the watching."""

    def show(self, history: ExecutionHistory, changes: Sequence[Change]) -> None:
        """Show what an execution did, and what is new."""

    def __enter__(self) -> Self:
        """Begin to show."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last state on the screen."""


def choose_view(output: Output, clock: Callable[[], float]) -> ProgressView:
    """Return the view that fits whoever reads the output."""
    if output.is_live:
        return TableView(output, clock)
    return LineView(output)


class LineView:
    """One line for each thing that happened; further rounds of a loop are summed up in one, where they took time."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._rounds: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left to do: lines stay where they are."""

    def show(self, history: ExecutionHistory, changes: Sequence[Change]) -> None:
        """Print the changes."""
        for change in changes:
            self._output.emit({"event": "progress", **asdict(change)})
            visit = history.visits[change.visit]
            if _is_worth_a_line(change, visit):
                self._sum_up_rounds(history.visits[: change.visit])
                note = "" if change.kind == "started" else shorten(change.note)
                self._line(_status(change.kind, visit), change.state, change.seconds, note)
            elif change.kind == "finished" and _is_shown(visit):
                self._rounds[change.state] = change.number
        if history.ended:
            self._sum_up_rounds(history.visits)

    def _sum_up_rounds(self, visits: Sequence[Visit]) -> None:
        for state, rounds in self._rounds.items():
            total = sum(visit.seconds(visit.entered) for visit in visits if visit.state == state)
            if total >= WORTH_SUMMING_UP:
                self._line("finished", f"{state} ×{rounds}", total, "")
        self._rounds.clear()

    def _line(self, kind: str, name: str, seconds: float | None, note: str) -> None:
        mark, style = MARKS[kind]
        took = duration(seconds) if seconds is not None else ""
        self._output.say(f"{mark} {name:<{NAME_WIDTH}} {took:>12}  {note}".rstrip(), style=style)


def _is_worth_a_line(change: Change, visit: Visit) -> bool:
    if not _is_shown(visit):
        return False
    if change.kind in ("caught", "failed", "aborted", "retried", "traffic"):
        return True
    if change.number > 1:
        return False
    # What is over when it is seen first needs no line that it began.
    return change.kind == "finished" or visit.exited is None


def _is_shown(visit: Visit) -> bool:
    return visit.kind not in FINAL_KINDS and (visit.kind not in STEERING_KINDS or visit.failure is not None)


def _status(status: str, visit: Visit) -> str:
    """Return how a visit is marked: a caught failure that ends the publication is one, others are part of its way."""
    return "failed" if status == "caught" and FAILURE_FIELD in visit.changed else status


@dataclass
class _Row:
    """All visits of one state."""

    state: str
    status: str
    seconds: float = 0.0
    visits: int = 0
    retries: int = 0
    note: str = ""


class TableView:
    """A row for each state, in the order of their first visits, redrawn in place."""

    def __init__(self, output: Output, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._console = output.console
        self._history = ExecutionHistory()
        self._notes: dict[str, str] = {}
        self._spinner = Spinner("dots", style="cyan")
        self._live = Live(console=self._console, get_renderable=self.render, refresh_per_second=8)

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, history: ExecutionHistory, changes: Sequence[Change]) -> None:
        """Redraw with what is known now."""
        self._history = history
        for change in changes:
            if change.kind in ("retried", "traffic", "caught", "failed"):
                self._notes[change.state] = shorten(change.note)
        self._live.refresh()

    def render(self) -> Table:
        """Return the table; while states are at work, no more of it than fits on the screen."""
        rows = self._rows()
        if not self._history.ended:
            rows = rows[-max(self._console.height - RESERVED_LINES, 1) :]
        table = Table.grid(padding=(0, 1))
        table.add_column(width=2)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            mark, style = MARKS[row.status]
            times = "".join((f" ×{row.visits}" if row.visits > 1 else "", f" ↻{row.retries}" if row.retries else ""))
            table.add_row(
                self._spinner if row.status == "running" else Text(mark, style=style),
                Text(f"{row.state}{times}"),
                Text(duration(row.seconds), style="dim"),
                Text(row.note, style=style if row.status != "succeeded" else "dim"),
            )
        return table

    def _rows(self) -> list[_Row]:
        now = self._clock()
        rows: dict[str, _Row] = {}
        for visit in self._history.visits:
            if not _is_shown(visit):
                continue
            row = rows.setdefault(visit.state, _Row(visit.state, visit.status))
            row.status = _status(visit.status, visit)
            row.seconds += visit.seconds(now)
            row.visits += 1
            row.retries += visit.retries
            row.note = self._notes.get(visit.state, "")
        return list(rows.values())
