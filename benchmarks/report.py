"""What every subject hands in, and how it is printed: a table in Markdown, or JSON."""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HEADINGS = ("subject", "tutorials' way", "ours", "ratio", "goal", "met")


@dataclass(frozen=True)
class Options:
    """How a subject is to be measured."""

    quick: bool
    servers: Path
    """The interpreter that has the other model servers."""


@dataclass(frozen=True)
class Row:
    """One measured figure of both sides. A number that was not measured is None; the note says why."""

    subject: str
    theirs: float | None
    ours: float | None
    unit: str
    goal: str = ""
    met: bool | None = None
    """None where there is no goal, or nothing was measured."""
    ratio: float | None = None
    """How many times better ours is."""
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:.3g} ×"
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        if self.ours is None and not met:
            met = "not measured" if self.goal else ""
        return self.subject, _show(self.theirs, self.unit), _show(self.ours, self.unit), ratio, self.goal, met


def _show(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.3g} {unit}"


def compare(
    subject: str,
    theirs: Sequence[float],
    ours: Sequence[float],
    unit: str,
    *,
    more_is_better: bool = False,
    at_least: float | None = None,
    note: str = "",
) -> Row:
    """Return the medians of both sides, their ratio, and whether it reaches the goal."""
    their_median, our_median = statistics.median(theirs), statistics.median(ours)
    ratio = our_median / their_median if more_is_better else their_median / our_median
    goal = "" if at_least is None else f"≥ {at_least:g} ×"
    met = None if at_least is None else ratio >= at_least
    return Row(subject, their_median, our_median, unit, goal, met, ratio, note)


def limit(subject: str, ours: float, unit: str, at_most: float, *, theirs: float | None = None, note: str = "") -> Row:
    """Return a figure of ours that has an upper bound."""
    ratio = None if theirs is None else theirs / ours
    return Row(subject, theirs, ours, unit, f"≤ {at_most:g} {unit}", ours <= at_most, ratio, note)


def missing(subject: str, why: str, goal: str = "") -> Row:
    """Return the row of what could not be measured here."""
    return Row(subject, None, None, "", goal, note=why)


def print_rows(rows: Sequence[Row], *, as_json: bool, quick: bool) -> None:
    if as_json:
        print(json.dumps({"machine": machine(), "quick": quick, "rows": [asdict(row) for row in rows]}, indent=2))
        return
    print(machine() + (", --quick" if quick else "") + "\n")
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}")
    for row in rows:
        print(f"| {' | '.join(row.cells())} |")
    notes = [f"- {row.subject}: {row.note}" for row in rows if row.note]
    print("\n" + "\n".join(notes))


def machine() -> str:
    python, today = platform.python_version(), time.strftime("%Y-%m-%d")
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {python}, {today}"


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(measure: Callable[[Options], list[Row]], description: str | None) -> None:
    """Run one subject from the command line."""
    arguments = parse_arguments(description)
    options = Options(quick=arguments.quick, servers=arguments.servers)
    print_rows(measure(options), as_json=arguments.json, quick=arguments.quick)


def parse_arguments(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and fewer models")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--servers", type=Path, default=Path(sys.executable), metavar="PYTHON",
        help="the interpreter that has LitServe and TorchServe (benchmarks/requirements.txt)",
    )  # fmt: skip
    return parser.parse_args()
