"""What a command says: words for people, or one JSON document a line for machines. Never both."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

WIDTH_OF_A_FILE = 160
"""Columns of a table that is not printed on a terminal."""
MINUTE = 60


class Output:
    """Standard output and standard error of one command."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.console = _console(sys.stdout)
        self._errors = _console(sys.stderr)

    @property
    def is_live(self) -> bool:
        """Whether a person watches and lines may be redrawn."""
        return self.console.is_terminal and not self.as_json

    def say(self, text: str = "", *, style: str = "") -> None:
        """Print a line for people; machines don't get it."""
        if not self.as_json:
            self.console.print(Text(text, style=style), soft_wrap=True)

    def show(self, renderable: RenderableType) -> None:
        """Print a table or the like for people; machines don't get it."""
        if not self.as_json:
            self.console.print(renderable)

    def emit(self, document: Mapping[str, Any]) -> None:
        """Print a JSON document on a line of its own for machines; people don't get it."""
        if self.as_json:
            print(json.dumps(document, ensure_ascii=False, default=str), flush=True)  # noqa: T201 (the output itself)

    def hint(self, text: str) -> None:
        """Print a line on standard error, where it never mixes with results."""
        self._errors.print(Text(text), soft_wrap=True)

    def fail(self, error: str, message: str) -> None:
        """Print why the command failed."""
        if self.as_json:
            self.emit({"event": "error", "error": error, "message": message})
        else:
            self._errors.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)

    @contextmanager
    def bytes_progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar while bytes move, where a person watches; yields what is told of each bytes sent."""
        if not self.is_live:
            yield lambda _: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=self.console, transient=True) as progress:
            task = progress.add_task(what, total=total)
            yield lambda sent: progress.advance(task, sent)


def duration(seconds: float) -> str:
    """Return a duration as people say it: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < MINUTE / 6:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < MINUTE else f"{whole // MINUTE} min {whole % MINUTE:02d} s"


def size(count: int) -> str:
    """Return a number of bytes as people say it: `12 B`, `3.4 MB`."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        if amount < 1000:  # noqa: PLR2004 (SI prefixes)
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"


def _console(file: Any) -> Console:
    console = Console(file=file, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_FILE
    return console
