"""Finds the magnitude that each value of an answer is measured by, so that no value loosens the tolerance of another.

The rounding error of a sum is a share of its terms, not of the sum itself, which may be near zero. The terms are not
known, so their size is taken from the values in the same column, the same row, and so on.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

CONSTANT_SPREAD = 1.25
"""The largest ratio between values that are called nearly constant, such as a mask of -1e4 plus the logits."""
CONSTANT_GAP = 30.0
"""Nearly constant values are a fill if they are at least this many times larger than all others."""
HUGE_GAP = 1e3
"""Any values are a fill if they are at least this many times larger than all others."""
FEW = 3
"""The number of values that can be called constant, and of cases from which a usual magnitude is known."""
STEADY = 0.5
"""An output is steady if the values of most slabs deviate by less than this share of their root mean square.

A net often answers any noise nearly alike. Then many cases are no more than one draw, and a column may be near zero by
chance, like a sum whose terms cancel out.
"""
CONNECTED = 100.0
"""Slabs of a steady output whose magnitudes are less than this many times apart are measured alike.

The smallest of n columns is by chance about n times smaller than the others.
"""
UNSEEN = 4.0
"""The largest of n values is raised by this many n-ths of it, since more values would have held a larger one."""
NORMAL_MEDIAN = 0.67
"""The median magnitude of normally distributed values, as a share of their root mean square."""
MAX_FILLS = 3
"""The largest number of fills that are looked for in one output."""
POOLED_NUMBERS = 1 << 16
"""Answers with at most this many numbers are searched for fills together, because each may hold too few values.

A median is taken of about so many numbers of an answer.
"""

Levels = list[tuple[float, float]]
"""The smallest and the largest magnitude of each fill."""


def magnitudes(tensor: torch.Tensor) -> torch.Tensor:
    """Return the values' magnitudes in float64, with 0 for values that are not finite."""
    return torch.nan_to_num(tensor.double().abs(), nan=0.0, posinf=0.0)


def fill_levels(sizes: torch.Tensor) -> Levels:
    """Return the magnitudes of the fills among some magnitudes, such as the 1e9 of logits that are masked with -1e9."""
    levels: Levels = []
    top = float(sizes.max()) if sizes.numel() else 0.0
    if bool(((sizes < top / CONSTANT_SPREAD) & (sizes * CONSTANT_GAP > top)).any()):
        return levels  # nothing is far enough from the rest, as in most answers
    rest = sizes[sizes > 0]
    while len(levels) < MAX_FILLS and len(rest) > FEW:
        top = float(rest.max())
        lower = rest[rest < top / CONSTANT_SPREAD]
        constant = len(rest) - len(lower) >= FEW
        if len(lower) < FEW or float(lower.max()) * (CONSTANT_GAP if constant else HUGE_GAP) > top:
            break
        levels.append((top / CONSTANT_SPREAD, top * CONSTANT_SPREAD))
        rest = lower
    return levels


@dataclass(frozen=True)
class _Slabs:
    """The figures of the slabs of one answer, one for each index along an axis."""

    maxima: torch.Tensor
    """The largest magnitude."""
    sums: torch.Tensor
    """Whether a value counts, how many are not 0, their sum and the sum of their squares, [4, indices]."""


@dataclass(frozen=True)
class _UsualAxis:
    """What is usual along an axis of an output."""

    known: torch.Tensor
    """Whether a few cases have a value that counts, at each index."""
    maxima: torch.Tensor
    """The largest magnitude to be expected at each index."""
    typical: torch.Tensor
    """The root mean square of the values that are not zero, at each index."""
    is_steady: bool
    """The output is steady, as STEADY says it."""


class UsualScales:
    """The usual magnitudes of one output: for each axis and each index along it, over the usual cases."""

    def __init__(self, answers: Iterable[torch.Tensor], *, connects: bool = False) -> None:
        """Take the answer to each usual case, and whether slabs of a steady output are measured alike.

        The answers are iterated when a scale is first asked for, and more than once, so that they may be loaded one
        after the other. `connects` is for tolerances that are fine enough to be harmless a hundred times coarser, and
        for outputs whose values are weighed against each other.
        """
        self._answers = answers
        self._connects = connects

    @cached_property
    def _levels(self) -> Levels:
        return _pooled_levels(self._answers)

    @cached_property
    def _axes(self) -> list[_UsualAxis | None]:
        cases = [_slabs_of(answer, self._levels) for answer in self._answers if answer.numel()]
        axes = len(cases[0]) if cases else 0
        return [_usual_axis([case[axis] for case in cases if len(case) == axes]) for axis in range(axes)]

    def scales_of(self, answer: torch.Tensor) -> torch.Tensor:
        """Return the scale of each value of an answer, in float64.

        The scale is the smallest, over the axes, of the largest magnitude in the slab that the value lies in (its row,
        its column, …), in this answer and in the usual ones. A fill does not count for other values, and is its own
        scale.
        """
        sizes = magnitudes(answer)
        if not answer.numel():
            return sizes
        counted = _without(sizes, [*self._levels, *fill_levels(sizes)])
        usual = [self._along(axis, counted) for axis in range(max(1, sizes.dim()))]
        growth = _growth(counted, _smallest([typical for _, typical in usual], sizes))
        along = [torch.maximum(_maxima(counted, axis), growth * maxima) for axis, (maxima, _) in enumerate(usual)]
        return torch.where(counted == sizes, _smallest(along, sizes), sizes)

    def _along(self, axis: int, counted: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the usual largest and the typical magnitude at each index along an axis of an answer."""
        length, axes = counted.shape[axis] if counted.dim() else 1, max(1, counted.dim())
        usual = self._axes[axis] if len(self._axes) == axes else None
        if usual is None:
            nothing = counted.new_zeros(length)
            return nothing + counted.max(), nothing
        # An index that few cases have may be small by chance: the whole axis says what is usual there.
        largest = [torch.where(usual.known, each, each[usual.known].max()) for each in (usual.maxima, usual.typical)]
        maxima, typical = (_extended(each, length, by=float(each.max())) for each in largest)
        return (_connected(maxima, CONNECTED) if self._connects and usual.is_steady else maxima), typical


def _smallest(along: Sequence[torch.Tensor], sizes: torch.Tensor) -> torch.Tensor:
    """Return, for each value, the smallest of the magnitudes at its index along each axis."""
    smallest = torch.full_like(sizes, math.inf)
    for axis, each in enumerate(along):
        smallest = torch.minimum(smallest, each.view([-1 if other == axis else 1 for other in range(sizes.dim())]))
    return smallest


def _growth(counted: torch.Tensor, typical: torch.Tensor) -> float:
    """Return how many times larger than usual the values of an answer are, at least 1.

    Answers to inputs that are ten times larger consist of larger terms, also where these cancel out. The median tells
    it, which no single value moves.
    """
    step = max(1, counted.numel() // POOLED_NUMBERS)
    sizes, usual = counted.flatten()[::step], typical.flatten()[::step]
    known = (sizes > 0) & (usual > 0)
    return max(1.0, float((sizes[known] / usual[known]).median()) / NORMAL_MEDIAN) if bool(known.any()) else 1.0


def _pooled_levels(answers: Iterable[torch.Tensor]) -> Levels:
    levels: Levels = []
    pool: list[torch.Tensor] = []
    for answer in answers:
        sizes = magnitudes(answer)
        if sizes.numel() > POOLED_NUMBERS:
            levels += fill_levels(sizes)
        else:
            pool.append(sizes.flatten())
    return levels + (fill_levels(torch.cat(pool)) if pool else [])


def _without(sizes: torch.Tensor, levels: Levels) -> torch.Tensor:
    """Return the magnitudes with 0 in the place of fills."""
    for low, high in levels:
        sizes = torch.where((sizes >= low) & (sizes <= high), 0.0, sizes)
    return sizes


def _at_each_index(axis: int, sizes: torch.Tensor) -> list[int]:
    """Return the axes to reduce for a figure at each index along one axis."""
    return [other for other in range(sizes.dim()) if other != axis]


def _maxima(sizes: torch.Tensor, axis: int) -> torch.Tensor:
    """Return the largest magnitude at each index along an axis; a scalar counts as an axis of size 1."""
    return sizes.amax(_at_each_index(axis, sizes)) if sizes.dim() > 1 else sizes.reshape(-1)


def _slabs_of(answer: torch.Tensor, levels: Levels) -> list[_Slabs]:
    """Return the figures of the slabs at each index, for each axis."""
    answer = answer.reshape(1) if answer.dim() == 0 else answer
    sizes = magnitudes(answer)
    counted = _without(sizes, levels)
    known, nonzero = counted == sizes, counted > 0
    values, squares = torch.where(answer < 0, -counted, counted), counted * counted
    slabs = []
    for axis in range(answer.dim()):
        axes = _at_each_index(axis, sizes)
        sums = [each.sum(axes).double() if axes else each.double() for each in (known, nonzero, values, squares)]
        slabs.append(_Slabs(_maxima(counted, axis), torch.stack([sums[0].clamp(max=1), *sums[1:]])))
    return slabs


def _usual_axis(cases: Sequence[_Slabs]) -> _UsualAxis | None:
    """Return what is usual along an axis; None if no index is known from enough cases."""
    length = max(len(case.maxima) for case in cases)
    known, count, total, squares = torch.stack([_extended(case.sums, length, by=0.0) for case in cases]).sum(0)
    if len(cases) < FEW or not bool((known >= FEW).any()):
        return None
    maxima = torch.stack([_extended(case.maxima, length, by=0.0) for case in cases]).amax(0)
    count = count.clamp(min=1)
    mean, mean_square = total / count, squares / count
    deviation = (1 - mean * mean / mean_square).clamp(min=0).sqrt()[(known >= FEW) & (mean_square > 0)]
    steady = len(deviation) > 0 and float(deviation.median()) < STEADY
    return _UsualAxis(known >= FEW, maxima * (1 + UNSEEN / count), mean_square.sqrt(), steady)


def _connected(maxima: torch.Tensor, ratio: float) -> torch.Tensor:
    """Return the magnitudes, each raised to the largest that it is connected to by steps below the ratio."""
    ordered, order = maxima.sort()
    chains = (ordered[1:] > ratio * ordered[:-1]).cumsum(0)
    chains = torch.nn.functional.pad(chains, (1, 0))
    tops = torch.zeros_like(ordered).scatter_reduce(0, chains, ordered, "amax")
    raised = torch.minimum(tops[chains], ordered * max(ratio, len(ordered)))
    return torch.zeros_like(maxima).scatter(0, order, raised)


def _extended(values: torch.Tensor, length: int, *, by: float) -> torch.Tensor:
    """Return the values cut to a length, or extended to it, along the last axis."""
    cut = values[..., :length]
    return torch.nn.functional.pad(cut, (0, length - cut.shape[-1]), value=by)
