"""Measure everything, both sides in one run, and print one table in Markdown.

.venv/bin/python benchmarks/all.py [--quick] [--json] [--servers PYTHON]

Each subject is a script of its own that takes the same options. What cannot be measured here stands in the table as
such, with the reason below it. Times are this machine's: let nothing else run on it.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from report import Row, missing, parse_arguments, print_rows, progress

SUBJECTS = ("packing", "loading", "runtime_bundle", "snapshots", "request_time", "images", "servers")
LONGEST = 900.0
"""Seconds after which a subject is given up; the runtime bundle may have to be built."""


def main() -> None:
    arguments = parse_arguments(__doc__)
    options = ["--json", "--servers", str(arguments.servers), *(["--quick"] if arguments.quick else [])]
    rows = []
    for subject in SUBJECTS:
        begun = time.monotonic()
        rows += _measure(subject, options)
        progress(f"{subject}: {time.monotonic() - begun:.0f} s")
    print_rows(rows, as_json=arguments.json, quick=arguments.quick)
    if any(row.met is False for row in rows):
        progress("not every goal is met: see the table")


def _measure(subject: str, options: list[str]) -> list[Row]:
    """Return a subject's rows, from a process of its own; one that says why where it fails."""
    script = Path(__file__).with_name(f"{subject}.py")
    try:
        done = subprocess.run(
            [sys.executable, script, *options], stdout=subprocess.PIPE, text=True, check=True, timeout=LONGEST
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        return [missing(subject, f"{type(error).__name__}: see what it printed above", "all")]
    return [Row(**row) for row in json.loads(done.stdout)["rows"]]


if __name__ == "__main__":
    main()
