"""Chooses the sizes of the named axes at which parity is proved. Pure.

All sizes that publish.yaml allows are proved where they are few and the model is small. Otherwise those are proved at
which code is most likely to change its way: the ends, powers of two and their neighbours, multiples of small numbers,
and a seeded sample.
"""

import math
import random
from collections.abc import Iterable, Iterator
from itertools import product

from pydantic import BaseModel, ConfigDict

from model_tools.formats.manifest import Manifest

Sizes = dict[str, int]
"""The size of each named axis."""

MAX_COMBINATIONS = 256
"""The number of combinations of sizes up to which all are proved."""
MAX_OF_AN_AXIS = 32
"""The number of an axis' sizes that are proved if it has too many to prove all."""
MAX_JOINT = 8
"""The number of combinations that are drawn where several axes vary, and not all combinations are proved."""
MAX_WORK = 10**10
"""The multiplications that the proof of sizes may take, estimated, unless the other cases take more: some 0.5 s."""
WORK_OF_A_NUMBER = 64
"""The multiplications that one number of the input costs at least, estimated."""
MULTIPLES = (3, 5, 7, 8, 10, 12)
"""The numbers whose multiples are tried, since code treats the rest after a division by them in its own way."""
SEED = 7
"""The seed of the sample of sizes."""


class SizePlan(BaseModel):
    """The sizes at which a model is proved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    traced: dict[str, int]
    """The sizes that the model is traced with."""
    proved: list[dict[str, int]]
    """The sizes of each case, without those of the trace."""
    complete: frozenset[str]
    """The axes of which every allowed size is proved."""
    all_combinations: bool
    """Every combination of allowed sizes is proved."""

    def proved_of(self, axis: str) -> int:
        """Return the number of an axis' sizes that are proved."""
        return len({sizes[axis] for sizes in (self.traced, *self.proved)})


def plan_sizes(manifest: Manifest, *, max_elements: int, weights: int) -> SizePlan:
    """Return the sizes to prove for a model of so many weights, with at most `max_elements` numbers in a case."""
    return _Planner(manifest, max_elements, weights).plan()


def named_axes(manifest: Manifest) -> list[str]:
    """Return the names of the axes in the order of the inputs."""
    return list(dict.fromkeys(axis for spec in manifest.inputs for axis in spec.shape if isinstance(axis, str)))


def shapes_at(manifest: Manifest, sizes: Sizes) -> list[list[int]]:
    """Return the shape of each input at the given sizes of the named axes."""
    return [[sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape] for spec in manifest.inputs]


class _Planner:
    def __init__(self, manifest: Manifest, max_elements: int, weights: int) -> None:
        self._manifest = manifest
        self._max_elements = max_elements
        self._weights = weights
        self._axes = named_axes(manifest)
        bounds = {axis: manifest.axis_sizes(axis) for axis in self._axes}
        self._smallest = {axis: bounds[axis].min for axis in self._axes}
        self._largest = {axis: bounds[axis].max for axis in self._axes}
        # Axes are traced at different sizes, larger than 1, if possible: the trace cannot confuse them then, and a
        # size of 1, which broadcasts, hides no mistake.
        self._traced = {
            axis: max(bounds[axis].min, min(bounds[axis].max, 2 + number)) for number, axis in enumerate(self._axes)
        }

    def plan(self) -> SizePlan:
        ends = self._distinct(self._ends())
        # The five cases at the traced sizes and the ends are always proved; as much work again is put into the sizes.
        left = max(MAX_WORK, 5 * self._work(self._traced) + sum(map(self._work, ends)))
        everything = self._everything()
        if everything is not None and sum(map(self._work, everything)) <= left:
            every_one = self._distinct([*ends, *everything])
            complete = frozenset(self._axes)
            return SizePlan(traced=self._traced, proved=every_one, complete=complete, all_combinations=True)
        chosen = list(ends)
        for axis in self._axes:
            chosen += self._of_one_axis(axis, left / len(self._axes))
        chosen += self._joint(left / 4)
        proved = self._distinct(chosen)
        complete = frozenset(axis for axis in self._axes if self._is_complete(axis, proved))
        return SizePlan(traced=self._traced, proved=proved, complete=complete, all_combinations=False)

    def _ends(self) -> Iterator[Sizes]:
        """Yield all sizes at their smallest, all at their largest, and each alone at its largest."""
        yield self._smallest
        yield self._fitted(self._largest)
        if len(self._axes) > 1:
            for axis in self._axes:
                yield self._fitted({**self._smallest, axis: self._largest[axis]})

    def _everything(self) -> list[Sizes] | None:
        """Return all combinations of allowed sizes; None if they are too many."""
        if math.prod(self._count(axis) for axis in self._axes) > MAX_COMBINATIONS:
            return None
        spans = [range(self._smallest[axis], self._largest[axis] + 1) for axis in self._axes]
        return [dict(zip(self._axes, sizes, strict=True)) for sizes in product(*spans)]

    def _of_one_axis(self, axis: str, work: float) -> Iterator[Sizes]:
        """Yield sizes of one axis, with the others as they are traced, for as much work as is given."""
        if self._count(axis) <= MAX_COMBINATIONS:
            every = [{**self._traced, axis: size} for size in range(self._smallest[axis], self._largest[axis] + 1)]
            if sum(map(self._work, every)) <= work:
                yield from every
                return
        found = 0
        for size in _telling_sizes(self._smallest[axis], self._largest[axis]):
            sizes = {**self._traced, axis: size}
            if found < MAX_OF_AN_AXIS and self._work(sizes) <= work:
                found += 1
                work -= self._work(sizes)
                yield sizes

    def _joint(self, work: float) -> Iterator[Sizes]:
        """Yield combinations that are drawn with a fixed seed, for as much work as is given."""
        if len(self._axes) > 1:
            draw = random.Random(SEED)  # noqa: S311 (no secret)
            for _ in range(MAX_JOINT):
                sizes = {axis: draw.randint(self._smallest[axis], self._largest[axis]) for axis in self._axes}
                if self._work(sizes) <= work:
                    work -= self._work(sizes)
                    yield sizes

    def _work(self, sizes: Sizes) -> float:
        """Estimate the multiplications of one answer: each weight is used at each position along the named axes."""
        elements = sum(math.prod(shape) for shape in shapes_at(self._manifest, sizes))
        if elements > self._max_elements:
            return math.inf
        return math.prod(sizes.values()) * self._weights + WORK_OF_A_NUMBER * elements

    def _fitted(self, sizes: Sizes) -> Sizes:
        """Return the sizes, halved until a case has no more numbers than it may, or they cannot shrink further."""
        while sizes != self._smallest and math.isinf(self._work(sizes)):
            sizes = {axis: max(self._smallest[axis], size // 2) for axis, size in sizes.items()}
        return sizes

    def _count(self, axis: str) -> int:
        return self._largest[axis] - self._smallest[axis] + 1

    def _is_complete(self, axis: str, proved: Iterable[Sizes]) -> bool:
        others = {other: size for other, size in self._traced.items() if other != axis}
        alone = {
            sizes[axis] for sizes in (self._traced, *proved) if all(sizes[other] == others[other] for other in others)
        }
        return len(alone) == self._count(axis)

    def _distinct(self, many: Iterable[Sizes]) -> list[Sizes]:
        """Return the sizes without repetitions, and without those of the trace."""
        distinct = {tuple(sizes.items()): sizes for sizes in many if sizes != self._traced}
        return list(distinct.values())


def _telling_sizes(smallest: int, largest: int) -> list[int]:
    """Return the sizes within the bounds at which code may change its way, those beside the bounds first."""
    draw = random.Random(SEED)  # noqa: S311 (no secret)
    around = [(1 << power) + step for power in range(largest.bit_length() + 1) for step in (-1, 0, 1)]
    multiples = [number * draw.randint(1, max(1, largest // number)) for number in MULTIPLES]
    sample = [draw.randint(smallest, largest) for _ in range(MAX_OF_AN_AXIS)]
    mixed = [*around, *multiples, *sample]
    draw.shuffle(mixed)
    return [size for size in dict.fromkeys([smallest + 1, largest - 1, *mixed]) if smallest <= size <= largest]
