"""Runs a trainer, which is a folder with a `train.py` that writes a publishable folder."""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from model_tools.errors import TrainingFailed
from model_tools.formats.manifest import MANIFEST_NAME
from model_tools.packaging.children.processes import child_environment, hide_from_children, last_lines, run_to_its_end

TRAINER = "train.py"


def run_trainer(
    folder: Path, output: Path, arguments: Sequence[str], *, seconds: float, report: Callable[[str], None]
) -> None:
    """Run `python train.py --output OUTPUT ARGUMENTS…` in the trainer's folder, as a child without credentials.

    `report` gets the trainer's last lines. Raises TrainingFailed for a trainer that takes longer than `seconds`, fails,
    or writes no publishable folder.
    """
    if not (folder / TRAINER).is_file():
        raise TrainingFailed(f"The trainer's folder has no {TRAINER}: upload one that takes --output FOLDER.")
    scratch = folder.parent / "scratch"
    scratch.mkdir()
    hide_from_children()
    command = [sys.executable, "-s", TRAINER, "--output", str(output), *arguments]
    status, tail = run_to_its_end(command, child_environment(scratch), folder, seconds)
    told = last_lines(tail)
    if status is None:
        raise TrainingFailed(
            f"{TRAINER} was not done within {seconds:.0f} s: train less, or elsewhere, and publish the checkpoint. "
            f"{told}"
        )
    if status != 0:
        how = "was killed, as the kernel does when memory runs out" if status == -signal.SIGKILL else "failed"
        raise TrainingFailed(f"{TRAINER} {how}: run it once by hand and correct it. {told}")
    if not (output / MANIFEST_NAME).is_file():
        raise TrainingFailed(f"{TRAINER} wrote no {MANIFEST_NAME} into the folder given as --output. {told}")
    report(told)
