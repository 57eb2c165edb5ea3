"""Draws the numbers of a case; the same case has the same numbers on every machine with the same torch."""

import math
from collections.abc import Sequence
from typing import Any

import torch

from model_tools.formats.sections import InputSpec
from model_tools.packaging.proof.cases import INTEGER_SPREADS, Case, Spread
from model_tools.tensors.dtypes import DTYPES

DEVIATIONS: dict[Spread, float] = {"usual": 1.0, "narrow": 0.01, "wide": 10.0}
"""The standard deviation of the floats of an input without a range; 1 for all other spreads."""

UNKNOWN_INTEGERS = (0, 9)
"""The smallest and the largest integer that are drawn for an input without a range; as a mask it has 0 and 1."""


def draw_inputs(case: Case, specs: Sequence[InputSpec]) -> tuple[torch.Tensor, ...]:
    """Return one tensor for each input spec, in the case's shapes and the specs' dtypes."""
    generator = torch.Generator().manual_seed(case.seed)
    return tuple(_draw(spec, shape, case.spread, generator) for spec, shape in zip(specs, case.shapes, strict=True))


def inputs_from_lists(values: Sequence[Any], specs: Sequence[InputSpec]) -> tuple[torch.Tensor, ...]:
    """Return the tensors that nested lists describe. Raises ValueError or TypeError for lists that are no tensor."""
    return tuple(torch.tensor(value, dtype=DTYPES[spec.dtype]) for value, spec in zip(values, specs, strict=True))


def _draw(spec: InputSpec, shape: list[int], spread: Spread, generator: torch.Generator) -> torch.Tensor:
    dtype = DTYPES[spec.dtype]
    if not dtype.is_floating_point:
        return _draw_integers(spec, shape, spread, generator).to(dtype)
    if spec.range is None:
        return (torch.randn(shape, generator=generator) * DEVIATIONS.get(spread, 1.0)).to(dtype)
    low_end, high_end = spec.range
    share = torch.rand(shape, generator=generator, dtype=torch.float64)
    if spread == "wide":
        share = share.round()
    elif spread == "narrow":
        share = 0.5 + (share - 0.5) / 100
    return (low_end + (high_end - low_end) * share).to(dtype)


def _draw_integers(spec: InputSpec, shape: list[int], spread: Spread, generator: torch.Generator) -> torch.Tensor:
    low, high = (math.ceil(spec.range[0]), math.floor(spec.range[1])) if spec.range else _unknown(spec, spread)
    if spread == "wide":
        return low + (high - low) * torch.randint(2, shape, generator=generator)
    if spread not in INTEGER_SPREADS or low == high:
        return torch.randint(low, high + 1, shape, generator=generator)
    above = torch.randint(low + 1, high + 1, shape, generator=generator)
    if spread == "above" or not shape:
        return above
    place = torch.arange(shape[-1]).expand(shape)
    chosen = torch.randint(shape[-1], [*shape[:-1], 1], generator=generator)
    return torch.where(place <= chosen if spread == "prefix" else place == chosen, above, low)


def _unknown(spec: InputSpec, spread: Spread) -> tuple[int, int]:
    return (0, 1) if spec.dtype == "bool" or spread in INTEGER_SPREADS else UNKNOWN_INTEGERS
