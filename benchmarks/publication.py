"""Where the time of a publication goes, and what a snapshot saves: on the emulator, in one run.

    .venv/bin/python benchmarks/publication.py

Prints medians over several publications of the digits example, as a table in Markdown. Times are this machine's; the
ratio of a restored to a cold start is measured side by side.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from report import machine
from stack import Stack, deployed

ROOT = Path(__file__).parents[1]
PUBLICATIONS = 3
STARTS = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, deployed() as stack:
        durations: dict[str, list[float]] = defaultdict(list)
        for seed in range(PUBLICATIONS):
            model = Path(folder, str(seed))
            train(model, "--seed", str(seed), "--epochs", "2")
            for name, seconds in stack.publish(model).items():
                durations[name].append(seconds)
        event = json.loads((model / "samples" / "one.json").read_text())["event"]
        restored, cold = first_answers(stack, event)

    print(f"{machine()}\n")
    print("| state | median s |\n|---|---|")
    for name, seconds in durations.items():
        if (median := statistics.median(seconds)) >= 0.05:  # noqa: PLR2004 (less is noise)
            print(f"| {name} | {median:.2f} |")
    print(f"| **all** | {statistics.median(map(sum, zip(*durations.values(), strict=False))):.2f} |")
    print(f"\nfirst answer: cold {cold:.2f} s, restored {restored:.3f} s, ratio {cold / restored:.0f}")


def train(folder: Path, *options: str) -> None:
    script = ROOT / "examples" / "digits" / "train.py"
    subprocess.run([sys.executable, script, "--output", folder, *options], check=True, stdout=subprocess.DEVNULL)


def first_answers(stack: Stack, event: object) -> tuple[float, float]:
    """Return the median seconds to the first answer of a restored and of a cold environment, by turns."""
    restored, cold = [], []
    for number in range(STARTS):
        stack.new_latest(number)
        cold.append(stack.first_answer(event, "$LATEST"))
        restored.append(stack.first_answer(event, stack.new_version()))
    return statistics.median(restored), statistics.median(cold)


if __name__ == "__main__":
    main()
