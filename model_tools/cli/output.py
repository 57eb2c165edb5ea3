"""The output of a command: words for people, or one JSON document a line for machines, never both."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.text import Text

WIDTH_OF_A_FILE = 160
"""The width of a table that is printed to a file or a pipe, in columns."""
MINUTE = 60
"""Seconds."""


class CommandOutput:
    """Standard output and standard error of one command."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.console = _console(sys.stdout)
        self._errors = _console(sys.stderr)

    @property
    def is_live(self) -> bool:
        """Tell whether a person watches a terminal, where lines may be redrawn."""
        return self.console.is_terminal and not self.as_json

    def say(self, text: str = "", *, style: str = "") -> None:
        """Print a line for people; with --json nothing is printed."""
        if not self.as_json:
            self.console.print(Text(text, style=style), soft_wrap=True)

    def show(self, renderable: RenderableType) -> None:
        """Print a table or the like for people; with --json nothing is printed."""
        if not self.as_json:
            self.console.print(renderable)

    def emit(self, document: Mapping[str, Any]) -> None:
        """Print a JSON document on a line of its own for machines; without --json nothing is printed."""
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
    def steps(self, title: str, *, keep: bool = False) -> Iterator[Callable[[str], None]]:
        """Yield a function that takes the text of each step of a long task as it begins.

        A step is a line, and with --json an event. On a terminal `title` spins below while the task goes on, and a step
        takes its place; with `keep` the steps stay as lines above it.
        """

        def tell(text: str) -> None:
            self.say(text)
            self.emit({"event": "step", "text": text})

        if not self.is_live:
            yield tell
            return
        with self.console.status(f"{title} …") as status:
            yield tell if keep else lambda text: status.update(f"{text} …")

    @contextmanager
    def bytes_progress(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """Show a bar on a terminal while bytes are sent; yields a function that takes the number of bytes just sent."""
        if not self.is_live:
            yield lambda _: None
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, TimeRemainingColumn(), console=self.console, transient=True) as progress:
            task = progress.add_task(title, total=total)
            yield lambda sent: progress.advance(task, sent)


def duration(seconds: float) -> str:
    """Return seconds as people write them: `0.4 s`, `12 s`, `3 min 05 s`."""
    if seconds < MINUTE / 6:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < MINUTE else f"{whole // MINUTE} min {whole % MINUTE:02d} s"


def _console(file: Any) -> Console:
    console = Console(file=file, highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_FILE
    return console
