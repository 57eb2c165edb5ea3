"""Chooses the cases that parity is proved on: seeds, spreads, and sizes of the named axes. Pure.

The numbers of a case are drawn in the child processes, by torch. The model is traced with inputs that are none of the
cases.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from model_tools.formats.manifest import Manifest
from model_tools.packaging.checked_folder import CheckedFolder
from model_tools.packaging.limits import Limits
from model_tools.packaging.proof.sizes import SizePlan, plan_sizes, shapes_at

Spread = Literal["usual", "narrow", "wide", "prefix", "above", "single"]
"""The values that are drawn for an input.

usual: from the input's range, or around 0 with a deviation of 1. narrow: from a hundredth of the range or deviation.
wide: the ends of the range, or ten times the deviation. A model may overflow in a wide case if the traced model
overflows in the same places. The others are of integers, as masks and padded ids have them, and draw floats as usual.
prefix: numbers above the smallest, then the smallest to the end of the last axis. above: none is the smallest.
single: one number of each row is above the smallest.
"""
INTEGER_SPREADS: tuple[Spread, ...] = ("prefix", "above", "single")
"""The spreads that are tried if a model has an input of integers or booleans."""
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


def parity_cases(manifest: Manifest, plan: SizePlan) -> list[Case]:
    """Return the drawn cases that parity is proved on."""
    usual = shapes_at(manifest, plan.traced)
    cases = [Case(seed=seed, spread="usual", shapes=usual) for seed in (101, 102, 103)]
    cases += [Case(seed=201, spread="narrow", shapes=usual), Case(seed=301, spread="wide", shapes=usual)]
    if any(not spec.dtype.startswith(("float", "bfloat")) for spec in manifest.inputs):
        cases += [Case(seed=351 + number, spread=spread, shapes=usual) for number, spread in enumerate(INTEGER_SPREADS)]
    cases += [
        Case(seed=401 + number, spread="usual", shapes=shapes_at(manifest, sizes))
        for number, sizes in enumerate(plan.proved)
    ]
    return cases


@dataclass(frozen=True)
class Cases:
    """The inputs that a model is traced with, and those that its parity is proved on."""

    traced: Case
    proved: list[Case]
    """The drawn cases first, then one for each sample that brings numbers."""
    sizes: SizePlan
    """The sizes of the named axes in the drawn cases."""


def cases_of(checked: CheckedFolder, limits: Limits, *, weights: int = 0) -> Cases:
    """Return the cases for the model in a checked folder, which has about so many weights."""
    manifest = checked.manifest
    plan = plan_sizes(manifest, max_elements=limits.case_elements, weights=weights)
    brought = [Case(seed=0, spread="usual", shapes=event.shapes, sample=event.name) for event in checked.events]
    traced = Case(seed=TRACE_SEED, spread="usual", shapes=shapes_at(manifest, plan.traced))
    return Cases(traced, [*parity_cases(manifest, plan), *brought], plan)
