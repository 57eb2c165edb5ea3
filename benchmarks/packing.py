"""Packing a model: `tarfile.open(…, "w:gz")` against `model_tools.packaging.archive.model_archive`. Files in, file out.

.venv/bin/python benchmarks/packing.py
"""

import statistics
import tempfile
from pathlib import Path

from nets import save_named
from report import Options, Row, compare, main, progress
from sides import by_turns
from tutorials_way import pack

from model_tools.packaging.archive.model_archive import write_archive

MODELS = ("ResNet-18", "126 MB conv net", "transformer")
MB = 1e6


def measure(options: Options) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for model in MODELS[:1] if options.quick else MODELS:
            progress(f"packing: {model}")
            rows += _measure_model(model, folder, rounds=2 if options.quick else 3)
    return rows


def _measure_model(name: str, folder: Path, *, rounds: int) -> list[Row]:
    model, classes = save_named(name, folder), folder / "classes.txt"
    classes.write_text("".join(f"class {number}\n" for number in range(1000)))
    theirs, ours = folder / "theirs.tar.gz", folder / "ours.tar.gz"
    members: dict[str, bytes | Path] = {
        "manifest.json": b"{}", "classes.txt": classes.read_bytes(), "parity.json": b"{}", "model.pt": model,
    }  # fmt: skip
    seconds = by_turns(
        {"theirs": lambda: pack(theirs, model, classes), "ours": lambda: write_archive(ours, members)},
        rounds,
        warm_ups=0,
    )
    size = model.stat().st_size / MB
    speed = {side: [size / each for each in times] for side, times in seconds.items()}
    their_size, our_size = theirs.stat().st_size / MB, ours.stat().st_size / MB
    return [
        compare(
            f"pack {name} ({size:.0f} MB)", speed["theirs"], speed["ours"], "MB/s", more_is_better=True, at_least=15,
            note=f"{statistics.median(seconds['theirs']):.2f} s against {statistics.median(seconds['ours']):.3f} s; "
            "ours takes the SHA-256 on the way and compresses in two threads.",
        ),
        Row(
            "size of its archive", their_size, our_size, "MB", "no larger", our_size <= their_size,
            their_size / our_size,
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure, __doc__)
