"""Fills rows of masks and ids that leave nothing to look at. Many models answer them with NaN, and hardly anybody asks.

Cases are drawn at random, so that a row of a mask may be 0 throughout, or 1 where 1 stands for padding. A softmax over
scores that are all masked with -inf is NaN then.
"""

import math
from collections.abc import Iterator, Sequence

import torch

from model_tools.formats.sections import InputSpec

MASK_ROW_AXES = 2
"""The least number of axes of a mask or of padded ids, whose rows lie along the last axis."""

Inputs = tuple[torch.Tensor, ...]


def filled_rows(inputs: Inputs, specs: Sequence[InputSpec]) -> Iterator[tuple[Inputs, str]]:
    """Yield the inputs with one other number in each row of integers that is all smallest, then all largest.

    Each comes with a sentence for the evidence. Nothing is yielded for inputs that have no such row.
    """
    for end, other in ((0, 1), (1, -1)):
        filled, named = [], []
        for index, (tensor, spec) in enumerate(zip(inputs, specs, strict=True)):
            bounds = _bounds(spec)
            found = _filled(tensor, bounds[end], other) if bounds and tensor.dim() >= MASK_ROW_AXES else None
            filled.append(tensor if found is None else found)
            if found is not None and bounds is not None:
                named.append(f"inputs.{index} with nothing but {bounds[end]}")
        if named:
            yield (
                tuple(filled),
                f"The model answers no finite numbers to rows of {' and of '.join(named)}: such requests fail.",
            )


def _bounds(spec: InputSpec) -> tuple[int, int] | None:
    """Return the smallest and the largest integer of an input; None for floats and for one possible number."""
    if spec.dtype.startswith(("float", "bfloat")):
        return None
    low, high = (math.ceil(spec.range[0]), math.floor(spec.range[1])) if spec.range else (0, 1)
    return (low, high) if low < high else None


def _filled(tensor: torch.Tensor, end: int, other: int) -> torch.Tensor | None:
    """Return the tensor with another first number in rows that hold `end` alone; None where no row does."""
    rows = (tensor == end).all(-1)
    if not bool(rows.any()) or tensor.shape[-1] == 0:
        return None
    filled = tensor.clone()
    filled[..., 0] = torch.where(rows, torch.full_like(filled[..., 0], end + other), filled[..., 0])
    return filled
