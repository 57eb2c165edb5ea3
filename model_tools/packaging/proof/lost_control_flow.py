"""Refuses a model whose code decides by what its trace does not hold, and says where.

The code is looked into at the sizes that are traced, and then at sizes at which a number that it reads is another one:
it may go another way there, and read what it does not read at the traced sizes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from model_tools.errors import ParityFailed
from model_tools.packaging.checkpoint.architecture import user_code_errors
from model_tools.packaging.children.places import place_text
from model_tools.packaging.proof.control_flow import ControlFlow, control_flow
from model_tools.packaging.proof.example_inputs import draw_inputs
from model_tools.packaging.proof.fixed_sizes import Bounds, Measured, UnprovedRead, unproved_reads
from model_tools.packaging.proof.messages import TraceJob
from model_tools.packaging.proof.size_reads import SizeReads
from model_tools.packaging.proof.sizes import SizePlan, Sizes, shapes_at
from model_tools.packaging.proof.tracing import HALF
from model_tools.packaging.proof.user_places import Place

FINE = (torch.float32, torch.float64)
"""The dtypes in which another number in the code shows in the answers; in half precision it may not."""
MAX_TOLD = 3
"""The number of places in the code that a message lists."""


def refuse_lost_control_flow(model: torch.nn.Module, job: TraceJob, answered: Sequence[torch.dtype]) -> list[str]:
    """Return the places where the model's code decides by sizes, all of which are proved.

    `answered` are the dtypes of the model's outputs. Raises ParityFailed for code that decides by the values of the
    inputs, or by sizes that are not proved.
    """
    parity_tells = any(dtype in FINE for dtype in answered) and not any(dtype in HALF for dtype in answered)
    return _Search(model, job, parity_tells).places()


@dataclass(frozen=True)
class _Search:
    model: torch.nn.Module
    job: TraceJob
    parity_tells: bool
    """Parity is fine enough to tell that a number is wrong."""

    def places(self) -> list[str]:
        plan = self.job.sizes
        reads = self._reads_at(plan.traced)
        if reads is None:
            return []
        bounds = {axis: self._bounds(axis) for axis in plan.traced}
        measured = Measured.by(plan, reads, self._draw)
        self._refuse(unproved_reads(reads, measured, plan, bounds, parity_tells=self.parity_tells), bounds)
        places = list(reads.places)
        for axis, sizes in measured.other_ways():
            there = self._reads_at(sizes)
            if there is None:
                continue
            places += there.places
            fixed = {**bounds, axis: (sizes[axis], sizes[axis])}
            judged = {
                UnprovedRead(place, tuple(each for each in measured.axes_of(behind) if each != axis))
                for place, behind in zip(reads.places, reads.behind, strict=True)
            }
            here = _plan_at(plan, axis, sizes)
            found = Measured.by(here, there, self._draw)
            unproved = unproved_reads(there, found, here, fixed, parity_tells=self.parity_tells)
            self._refuse([read for read in unproved if read not in judged], bounds)
        return list(dict.fromkeys(place_text(*place, self.job.folder).strip() for place in places))

    def _reads_at(self, sizes: Sizes) -> SizeReads | None:
        with user_code_errors(self.job.folder, "Tracing the model"):
            found = control_flow(self.model, self._draw(sizes))
        if found.caught:
            raise ParityFailed(_catches_an_error(found, self.job.folder))
        if found.by_values:
            raise ParityFailed(_decides_by_values(found, self.job.folder))
        return found.by_sizes

    def _refuse(self, unproved: Sequence[UnprovedRead], bounds: Bounds) -> None:
        if unproved and self.parity_tells:
            raise ParityFailed(_decides_by_sizes(unproved, self.job.sizes, bounds, self.job.folder))
        if unproved:
            raise ParityFailed(_decides_unseen(unproved, self.job.folder))

    def _bounds(self, axis: str) -> tuple[int, int]:
        sizes = self.job.manifest.axis_sizes(axis)
        return sizes.min, sizes.max

    def _draw(self, sizes: Sizes) -> tuple[Any, ...]:
        manifest = self.job.manifest
        return draw_inputs(self.job.trace.model_copy(update={"shapes": shapes_at(manifest, sizes)}), manifest.inputs)


def _plan_at(plan: SizePlan, axis: str, sizes: Sizes) -> SizePlan:
    """Return the part of a plan in which an axis has the size that it has in `sizes`."""
    proved = [each for each in plan.proved if each[axis] == sizes[axis]]
    return plan.model_copy(update={"traced": sizes, "proved": proved, "complete": frozenset()})


def _decides_by_values(found: ControlFlow, folder: Path) -> str:
    remedy = (
        "nn.TransformerEncoder skips padding by its mask, in eval mode alone: build it with "
        "enable_nested_tensor=False (that of an nn.Transformer cannot be built so: set its encoder.use_nested_tensor = "
        "False in __init__), evaluate the model again, since it then answers as it does in training, and"
        if found.skips_padding
        else "Compute both ways and choose with torch.where, or put the decision into a function decorated with "
        "torch.jit.script, or out of forward. Compute with torch's operators instead of NumPy's or Python's, and leave "
        "out what only checks; then"
    )
    return (
        "The model's code decides by the values of its input, or takes them out of torch (.item(), .numpy()), and "
        "tracing keeps only one of the ways, with the numbers as they were once:"
        f"{_places(found.by_values, folder)}. {remedy} publish again."
    )


def _catches_an_error(found: ControlFlow, folder: Path) -> str:
    return (
        "The model's code catches the error of an operation that fails, and goes on in another way; tracing keeps only "
        f"one of the ways:{_places(found.caught, folder)}. Compute both ways and choose with torch.where, or ask for "
        "what makes the operation fail in a function decorated with torch.jit.script; then publish again."
    )


def _decides_by_sizes(unproved: Sequence[UnprovedRead], plan: SizePlan, bounds: Bounds, folder: Path) -> str:
    axes = dict.fromkeys(axis for read in unproved for axis in read.axes)
    proved = " and ".join(
        f"{plan.proved_of(axis)} of the {bounds[axis][1] - bounds[axis][0] + 1} sizes of axis {axis!r}" for axis in axes
    )
    return (
        f"The model's code decides by a size, or reads it as a number, and tracing keeps what it was for the size that "
        f"is traced:{_places([read.place for read in unproved], folder)}. Parity can be proved at {proved}, and the "
        "others may be answered otherwise. Give the axis fewer sizes in publish.yaml (axes: min, max), so that each is "
        "proved, or put the decision into a function decorated with torch.jit.script."
    )


def _decides_unseen(unproved: Sequence[UnprovedRead], folder: Path) -> str:
    return (
        f"The model's code decides by a size, or reads it as a number, and tracing keeps what it was for the size that "
        f"is traced:{_places([read.place for read in unproved], folder)}. Whether other sizes are answered right "
        "cannot be told from answers in half precision, or of integers alone: compute with the size as it is "
        "(x.shape[1] ** -0.5 instead of math.sqrt), put the decision into a function decorated with torch.jit.script, "
        "or fix the axis in publish.yaml."
    )


def _places(found: Sequence[Place], folder: Path) -> str:
    return ";".join(place_text(filename, line, folder) for filename, line in dict.fromkeys(found[:MAX_TOLD]))
