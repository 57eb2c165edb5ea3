"""Tells whether a number that a trace has fixed, and that comes from sizes, is right for all the allowed sizes.

It is if it is the same number at each size that parity does not prove. The number is measured at the proved sizes, and
computed for others from the sizes inside the network, each of which grows with its axis as
floor((growth * size + offset) / step), as after convolutions and pooling.
"""

import math
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch

from model_tools.packaging.proof.size_reads import SizeReads
from model_tools.packaging.proof.sizes import SEED, SizePlan, Sizes
from model_tools.packaging.proof.user_places import Place

MAX_STEP = 128
"""The largest step by which a size may shrink: the product of the strides of a network's layers."""
MAX_WAYS = 8
"""The number of other sizes at which the code is looked into as well, since it goes another way there."""
MAX_COMPUTED = 4096
"""The number of combinations of sizes for which a number is computed; if there are more, as many are drawn."""
MAX_COMPUTED_WITH_TENSORS = 16
"""The same for a number that is computed through tensors, such as a mask that is compared with another."""

Bounds = dict[str, tuple[int, int]]
"""The smallest and the largest allowed size of each named axis."""
Draw = Callable[[Sizes], Sequence[torch.Tensor]]
"""Makes inputs of the given sizes."""


@dataclass(frozen=True)
class UnprovedRead:
    """A place where a trace has fixed a number that is not known to be right for all allowed sizes."""

    place: Place
    axes: tuple[str, ...]
    """The named axes that the number depends on."""


def unproved_reads(
    reads: SizeReads, measured: "Measured", plan: SizePlan, bounds: Bounds, *, parity_tells: bool = True
) -> list[UnprovedRead]:
    """Return the reads that may be another number at a size which is allowed and not proved.

    Parity proves the numbers at the sizes of its cases if it is fine enough to tell that one is wrong (`parity_tells`).
    """
    if plan.all_combinations and parity_tells:
        return []
    unproved = []
    for number, place in enumerate(reads.places):
        axes = measured.axes_of(reads.behind[number])
        complete = parity_tells and len(axes) == 1 and axes[0] in plan.complete
        proved = {tuple(sizes[axis] for axis in axes) for sizes in measured.at} if parity_tells else set()
        if axes and not complete and not _is_proved(number, axes, reads, measured, bounds, proved):
            unproved.append(UnprovedRead(place, axes))
    return unproved


@dataclass(frozen=True)
class Measured:
    """What was read at each of the proved sizes; parity refuses the model for those at which the trace fails."""

    traced: Sizes
    at: list[Sizes]
    """The sizes; those of the trace come first."""
    numbers: list[list[Any]]
    """The numbers that Python would read at each of the sizes."""
    inside: list[list[int]]
    """The sizes inside the network that the numbers are computed from."""

    @classmethod
    def by(cls, plan: SizePlan, reads: SizeReads, draw: Draw) -> "Measured":
        """Measure at the sizes of a plan."""
        found = cls(plan.traced, [], [], [])
        for sizes in (plan.traced, *plan.proved):
            with suppress(RuntimeError):
                numbers, inside = reads.measure(draw(sizes))
                found.at.append(sizes)
                found.numbers.append(numbers)
                found.inside.append(inside)
        return found

    def other_ways(self) -> list[tuple[str, Sizes]]:
        """Return sizes at which numbers are others than at the traced ones, each with the one axis that differs."""
        seen: dict[tuple[int, Any], tuple[str, Sizes]] = {}
        for sizes, numbers in zip(self.at, self.numbers, strict=True):
            changed = [axis for axis, size in sizes.items() if size != self.traced[axis]]
            if len(changed) == 1:
                for number, found in enumerate(numbers):
                    if found != self.numbers[0][number]:
                        seen.setdefault((number, str(found)), (changed[0], sizes))
        # A number that tells two ways apart has one other value, and one that is a size has many.
        others = Counter(number for number, _ in seen)
        ways = sorted(seen, key=lambda way: others[way[0]])
        return list({tuple(seen[way][1].values()): seen[way] for way in ways}.values())[:MAX_WAYS]

    def axes_of(self, behind: Sequence[int]) -> tuple[str, ...]:
        """Return the axes that some of the sizes inside the network depend on."""
        return tuple(
            axis for axis in self.traced
            if any(len({inside for _, inside in self.along(axis, index)}) > 1 for index in behind)
        )  # fmt: skip

    def along(self, axis: str, index: int) -> list[tuple[int, int]]:
        """Return pairs of the axis' size and a size inside the network, where all other axes are as traced."""
        return [
            (sizes[axis], inside[index])
            for sizes, inside in zip(self.at, self.inside, strict=True)
            if {**sizes, axis: 0} == {**self.traced, axis: 0}
        ]


@dataclass(frozen=True)
class Growth:
    """A size inside the network, as it grows with one axis."""

    growth: int
    step: int
    offsets: tuple[int, int]
    """The smallest and the largest offset that fit what was measured."""

    def at(self, size: int, which: int) -> int:
        """Return the size inside the network for a size of the axis, with the smallest (0) or largest (1) offset."""
        return (self.growth * size + self.offsets[which]) // self.step


def growth_through(points: Sequence[tuple[int, int]]) -> Growth | None:
    """Return the growth that fits all points (size of the axis, size inside), with the smallest step; None without."""
    (first, low), (last, high) = min(points), max(points)
    slope = (high - low) / (last - first) if last > first else 0.0
    for step in range(1, MAX_STEP + 1):
        for growth in {math.floor(slope * step), math.ceil(slope * step)}:
            smallest = max(step * inside - growth * size for size, inside in points)
            largest = min(step * inside + step - 1 - growth * size for size, inside in points)
            if smallest <= largest:
                return Growth(growth, step, (smallest, largest))
    return None


def _is_proved(
    number: int,
    axes: Sequence[str],
    reads: SizeReads,
    measured: Measured,
    bounds: Bounds,
    proved: set[tuple[int, ...]],
) -> bool:
    """Tell whether every combination of sizes of the axes at which a number differs from the traced one is proved."""
    traced = measured.numbers[0][number]
    inside = [_Inside.fitted(index, measured) for index in reads.behind[number]]
    known = [each for each in inside if each is not None]
    if len(known) < len(inside):
        return False
    most = MAX_COMPUTED_WITH_TENSORS if reads.needs_tensors[number] else MAX_COMPUTED
    try:
        return all(
            tuple(sizes[axis] for axis in axes) in proved
            or all(reads.compute(number, behind) == traced for behind in _behind(known, sizes))
            for sizes in _combinations({axis: bounds[axis] for axis in axes}, most)
        )
    except (RuntimeError, TypeError, ValueError, ArithmeticError):
        return False  # an operation fails at some size


@dataclass(frozen=True)
class _Inside:
    """A size inside the network, as a function of all axes: the product of its growths, for several."""

    traced: int
    growths: dict[str, Growth]

    @classmethod
    def fitted(cls, index: int, measured: Measured) -> "_Inside | None":
        growths = {}
        for axis in measured.axes_of([index]):
            growth = growth_through(measured.along(axis, index))
            if growth is None:
                return None
            growths[axis] = growth
        fitted = cls(measured.inside[0][index], growths)
        points = zip(measured.at, measured.inside, strict=True)
        fits = all(fitted.at(sizes, which) == inside[index] for sizes, inside in points for which in (0, 1))
        return fitted if fits else None

    def at(self, sizes: Sizes, which: int) -> int:
        found = [growth.at(sizes[axis], which) for axis, growth in self.growths.items()]
        return math.prod(found) // self.traced ** (len(found) - 1) if found and self.traced else self.traced


def _behind(inside: Sequence[_Inside], sizes: Sizes) -> set[tuple[int, ...]]:
    """Return the sizes inside the network, with the smallest and with the largest offsets that fit."""
    return {tuple(each.at(sizes, which) for each in inside) for which in (0, 1)}


def _combinations(bounds: Bounds, most: int) -> Iterator[Sizes]:
    """Yield all combinations of sizes, or as many as are computed: the ends, and others drawn with a fixed seed."""
    if math.prod(high - low + 1 for low, high in bounds.values()) <= most:
        spans: list[Sequence[int]] = [range(low, high + 1) for low, high in bounds.values()]
    else:
        draw = random.Random(SEED)  # noqa: S311 (no secret)
        yield from ({axis: draw.randint(low, high) for axis, (low, high) in bounds.items()} for _ in range(most))
        spans = list(bounds.values())
    yield from (dict(zip(bounds, sizes, strict=True)) for sizes in product(*spans))
