"""The progress of an execution: a table that is redrawn on a terminal, lines in a log, JSON for machines."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from model_tools.cli.output import CommandOutput, duration
from model_tools.workflow.history import ExecutionHistory
from model_tools.workflow.progress import Change
from model_tools.workflow.visits import Visit

STEERING_KINDS = frozenset({"Choice", "Pass"})
"""The types of states that only steer an execution: they are shown only when they fail."""
FINAL_KINDS = frozenset({"Succeed", "Fail"})
"""The types of states that only end an execution: the outcome is printed after them."""
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
"""The mark and the colour of each status and each change."""
NAME_WIDTH = 26
"""Columns for a state's name in a log."""
RESERVED_LINES = 3
"""Lines of the terminal that the table leaves to what stands above it and to the prompt."""
FAILURE_FIELD = "error"
"""The field in which the state machine `publish_model` keeps the failure that ends a publication. A failure that it
recovers from goes into another field."""
WORTH_SUMMING_UP = 1.0
"""Seconds that the rounds of a loop must have taken together to be worth a line."""
MAX_NOTE = 120
"""The longest note beside a state, in characters."""
LEASE_IS_HELD = "DynamoDB.ConditionalCheckFailedException"
"""The error by which DynamoDB refuses a lease that another publication holds."""


def shorten(note: str) -> str:
    """Return a note that fits beside a state; the last line of the publication shows all of it.

    The one failure that is no fault, a lease that another publication holds, is explained instead.
    """
    if note.startswith(LEASE_IS_HELD):
        return "another publication holds the lease: waiting until it has ended"
    return note if len(note) <= MAX_NOTE else f"{note[: MAX_NOTE - 1]}…"


class ProgressView(Protocol):
    """A view of an execution while it goes on; watching is done inside of it, as a context manager."""

    def show(self, history: ExecutionHistory, changes: Sequence[Change]) -> None:
        """Show an execution's history, of which `changes` are new."""

    def __enter__(self) -> Self:
        """Start the view."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the view and leave its last state on the screen."""


def choose_view(output: CommandOutput, clock: Callable[[], float]) -> ProgressView:
    """Return a table for a terminal, lines for everything else."""
    if output.is_live:
        return TableView(output, clock)
    return LineView(output)


class LineView:
    """A line for each change; the further rounds of a loop are summed up in one line if they took long enough."""

    def __init__(self, output: CommandOutput) -> None:
        self._output = output
        self._rounds: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing: lines stay where they are."""

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
    # A state that had ended when it was first seen needs no line about its beginning.
    return change.kind == "finished" or visit.exited is None


def _is_shown(visit: Visit) -> bool:
    return visit.kind not in FINAL_KINDS and (visit.kind not in STEERING_KINDS or visit.failure is not None)


def _status(status: str, visit: Visit) -> str:
    """Return the status to mark: a caught failure counts as one only if it ends the publication."""
    return "failed" if status == "caught" and FAILURE_FIELD in visit.changed else status


@dataclass
class _StateRow:
    """All visits of one state, as one row of the table."""

    state: str
    status: str
    seconds: float = 0.0
    visits: int = 0
    retries: int = 0
    note: str = ""


class TableView:
    """A row for each state, in the order of their first visits, redrawn in place."""

    def __init__(self, output: CommandOutput, clock: Callable[[], float]) -> None:
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
        """Redraw the table with the changes."""
        self._history = history
        for change in changes:
            if change.kind in ("retried", "traffic", "caught", "failed"):
                self._notes[change.state] = shorten(change.note)
        self._live.refresh()

    def render(self) -> Table:
        """Return the table; until the execution ends, only its last rows that fit on the screen."""
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

    def _rows(self) -> list[_StateRow]:
        now = self._clock()
        rows: dict[str, _StateRow] = {}
        for visit in self._history.visits:
            if not _is_shown(visit):
                continue
            row = rows.setdefault(visit.state, _StateRow(visit.state, visit.status))
            row.status = _status(visit.status, visit)
            row.seconds += visit.seconds(now)
            row.visits += 1
            row.retries += visit.retries
            row.note = self._notes.get(visit.state, "")
        return list(rows.values())
