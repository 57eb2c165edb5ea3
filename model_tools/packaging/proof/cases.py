"""Chooses the cases that parity is proved on: seeds, magnitudes, and sizes of the named axes. Pure.

The numbers of a case are drawn in the child processes, by torch. The model is traced with inputs that are none of the
cases.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from model_tools.formats.manifest import Manifest
from model_tools.packaging.checked_folder import CheckedFolder
from model_tools.packaging.limits import Limits

Spread = Literal["usual", "narrow", "wide"]
"""The values that are drawn for an input.

usual: from the input's range, or around 0 with a deviation of 1. narrow: from a hundredth of the range or deviation.
wide: the ends of the range, or ten times the deviation. A model may overflow in a wide case if the traced model
overflows in the same places.
"""
TRACE_SEED = 1
"""The seed of the inputs that a model is traced with."""


class Case(BaseModel):
    """A set of the model's inputs, described by the seed and shapes from which it is drawn, or by a sample's name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int
    spread: Spread
    shapes: list[list[int]]
    """The shape of each input."""
    sample: str | None = None
    """The name of the sample whose event brings the numbers; None for a case whose numbers are drawn."""

    @property
    def label(self) -> str:
        """The name of the case in messages."""
        shapes = ", ".join("x".join(str(size) for size in shape) or "scalar" for shape in self.shapes)
        return f"{self.sample} ({shapes})" if self.sample else f"seed {self.seed} ({self.spread}, {shapes})"


def trace_case(manifest: Manifest) -> Case:
    """Return the case that a model is traced with.

    Its named axes are larger than 1 if possible, because an axis of size 1 broadcasts and so hides mistakes.
    """
    sizes = {}
    for number, axis in enumerate(_axes(manifest)):
        bounds = manifest.axis_sizes(axis)
        # Axes have different sizes if possible, so that the trace cannot confuse them.
        sizes[axis] = max(bounds.min, min(bounds.max, 2 + number))
    return Case(seed=TRACE_SEED, spread="usual", shapes=_shapes(manifest, sizes))


def parity_cases(manifest: Manifest, *, max_elements: int) -> list[Case]:
    """Return the drawn cases that parity is proved on, with at most `max_elements` numbers in each."""
    usual = trace_case(manifest).shapes
    cases = [Case(seed=seed, spread="usual", shapes=usual) for seed in (101, 102, 103)]
    cases += [Case(seed=201, spread="narrow", shapes=usual), Case(seed=301, spread="wide", shapes=usual)]
    seen = [usual]
    for number, sizes in enumerate(_sizes(manifest, max_elements)):
        shapes = _shapes(manifest, sizes)
        if shapes not in seen:
            seen.append(shapes)
            cases.append(Case(seed=401 + number, spread="usual", shapes=shapes))
    return cases


@dataclass(frozen=True)
class Cases:
    """The inputs that a model is traced with, and those that its parity is proved on."""

    traced: Case
    proved: list[Case]
    """The drawn cases first, then one for each sample that brings numbers."""


def cases_of(checked: CheckedFolder, limits: Limits) -> Cases:
    """Return the cases for the model in a checked folder."""
    drawn = parity_cases(checked.manifest, max_elements=limits.case_elements)
    brought = [Case(seed=0, spread="usual", shapes=event.shapes, sample=event.name) for event in checked.events]
    return Cases(trace_case(checked.manifest), [*drawn, *brought])


def _axes(manifest: Manifest) -> list[str]:
    return list(dict.fromkeys(axis for spec in manifest.inputs for axis in spec.shape if isinstance(axis, str)))


def _sizes(manifest: Manifest, max_elements: int) -> Iterator[dict[str, int]]:
    """Yield the sizes of the named axes: all at their smallest, all at their largest, and each alone at its largest."""
    axes = _axes(manifest)
    smallest = {axis: manifest.axis_sizes(axis).min for axis in axes}
    largest = {axis: manifest.axis_sizes(axis).max for axis in axes}
    yield smallest
    yield _fit(manifest, smallest, largest, max_elements)
    if len(axes) > 1:
        for axis in axes:
            yield _fit(manifest, smallest, {**smallest, axis: largest[axis]}, max_elements)


def _fit(manifest: Manifest, floor: dict[str, int], sizes: dict[str, int], max_elements: int) -> dict[str, int]:
    """Return the sizes, halved until the inputs have at most `max_elements` numbers or cannot shrink further."""
    while sizes != floor and sum(math.prod(shape) for shape in _shapes(manifest, sizes)) > max_elements:
        sizes = {axis: max(floor[axis], size // 2) for axis, size in sizes.items()}
    return sizes


def _shapes(manifest: Manifest, sizes: dict[str, int]) -> list[list[int]]:
    return [[sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape] for spec in manifest.inputs]
