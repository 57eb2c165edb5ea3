"""What a snapshot saves: the first answer of a restored environment against that of a cold one, for a ResNet-18.

.venv/bin/python benchmarks/snapshots.py

The emulator restores by fork. The tutorials have no snapshot: each environment begins cold.
"""

import base64
import os
import tempfile
from pathlib import Path
from statistics import median

from pictures import encoded
from report import Options, Row, compare, limit, main, progress
from stack import deployed, write_image_model

MB = 1e6


def measure(options: Options) -> list[Row]:
    event = {"image": base64.b64encode(encoded(3, 1, (640, 480))).decode()}
    with tempfile.TemporaryDirectory() as folder, deployed() as stack:
        progress("snapshots: publishing a ResNet-18")
        stack.publish(write_image_model(Path(folder, "resnet18")))
        cold, restored, private = [], [], []
        for number in range(2 if options.quick else 5):
            progress(f"snapshots: start {number + 1}")
            stack.new_latest(number)
            cold.append(stack.first_answer(event, "$LATEST"))
            version = stack.new_version()
            before = set(_processes())
            restored.append(stack.first_answer(event, version))
            private += [_private_bytes(process) / MB for process in set(_processes()) - before]
    return [
        compare("first answer of a ResNet-18: cold, restored", cold, restored, "s", at_least=15),
        limit("private memory of a restored environment after its first answer", median(private), "MB", 25),
    ]


def _processes() -> list[int]:
    """Return the processes that descend from this one."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has just ended
    found, left = [], [os.getpid()]
    while left:
        children = [process for process, parent in parents.items() if parent == left[0]]
        found += children
        left = left[1:] + children
    return found


def _private_bytes(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Private_"))


if __name__ == "__main__":
    main(measure, __doc__)
