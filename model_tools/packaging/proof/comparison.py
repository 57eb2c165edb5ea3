"""Compares a traced answer with the trained model's, each value within its own tolerance."""

import math
from typing import Any

import torch

from model_tools.packaging.proof.messages import Difference, WorstValue
from model_tools.packaging.proof.scales import UsualScales, magnitudes
from model_tools.packaging.proof.tolerance import Tolerance

SLICE = 1 << 16
"""The number of values that are compared at a time: their float64 copies fit into the processor's cache."""
MOST = 1e300
"""The number that stands for infinity in a message, because JSON has none."""


def allowed_differences(answer: torch.Tensor, scales: torch.Tensor, tolerance: Tolerance) -> torch.Tensor:
    """Return how far another answer may be off from each value of this one, in float64."""
    if not answer.is_floating_point():
        return torch.zeros(answer.shape, dtype=torch.float64)
    allowed = tolerance.of_scale * scales + tolerance.of_value * magnitudes(answer)
    return allowed + tolerance.roundings * unit_in_last_place(answer)


def unit_in_last_place(tensor: torch.Tensor) -> torch.Tensor:
    """Return the distance from each value to the next of its dtype, in float64."""
    known = torch.finfo(tensor.dtype)
    _, exponents = torch.frexp(magnitudes(tensor).clamp(min=known.tiny))
    return torch.ldexp(torch.full_like(tensor, known.eps, dtype=torch.float64), exponents - 1)


def compare(
    traced: torch.Tensor, trained: torch.Tensor, *, usual: UsualScales, tolerance: Tolerance, name: str = ""
) -> Difference:
    """Return the difference of two answers of an output: absolute, as a share of the scale, and of what is allowed."""
    if traced.shape != trained.shape or traced.dtype != trained.dtype:
        return Difference(problem=f"it answers {_described(traced)}{_in(name)}, the trained one {_described(trained)}")
    if torch.equal(traced, trained):
        return Difference(max_abs=0, max_rel=0, excess=0)
    max_abs, max_rel, max_excess, worst = 0.0, 0.0, -1.0, None
    slices = (torch.split(tensor.flatten(), SLICE) for tensor in (traced, trained, usual.scales_of(trained)))
    for number, (of_traced, of_trained, scales) in enumerate(zip(*slices, strict=True)):
        expected, found = of_trained.double(), of_traced.double()
        same = (of_traced == of_trained) | (found.isnan() & expected.isnan())  # int64 has more digits than float64
        infinite = ~same & ~(expected.isfinite() & found.isfinite())
        if bool(infinite.any()):
            place = int(infinite.int().argmax())
            problem = _infinite_problem(_place(number * SLICE + place, trained), found[place], expected[place], name)
            return Difference(problem=problem)
        apart = torch.where(same, 0.0, (found - expected).abs())
        allowed = allowed_differences(of_trained, scales, tolerance)
        # Where nothing is allowed, as for integers, any difference is infinitely too large, below float64's digits too.
        excess = torch.where(same, 0.0, torch.where(allowed > 0, apart / allowed, math.inf))
        max_abs = max(max_abs, float(apart.max()))
        max_rel = max(max_rel, float(torch.where(apart == 0, 0.0, apart / scales).max()))
        if float(excess.max()) > max_excess:
            max_excess, place = float(excess.max()), int(excess.argmax())
            worst = WorstValue(
                output=name, index=_place(number * SLICE + place, trained), allowed=float(allowed[place]),
                expected=float(expected[place]), found=float(found[place]),
            )  # fmt: skip
    return Difference(max_abs=min(max_abs, MOST), max_rel=min(max_rel, MOST), excess=min(max_excess, MOST), worst=worst)


def share_of_scale(found: torch.Tensor, expected: torch.Tensor, *, usual: UsualScales) -> float:
    """Return the largest difference of two answers as a share of the scale of each value; NaN if a value is not one."""
    apart = torch.where(found == expected, 0.0, (found.double() - expected.double()).abs())
    return float(torch.where(apart == 0, 0.0, apart / usual.scales_of(expected)).max())


def nested_allowance(allowed: torch.Tensor) -> Any:
    """Return what is allowed as nested lists, each number with two significant digits."""
    return _rounded_up(allowed.tolist())


def _rounded_up(values: Any) -> Any:
    if isinstance(values, list):
        return [_rounded_up(value) for value in values]
    rounded = float(f"{values:.1e}")
    return rounded if rounded >= values else float(f"{values * 1.05:.1e}")


def _infinite_problem(place: list[int], found: torch.Tensor, expected: torch.Tensor, name: str) -> str:
    return f"it answers {float(found):g}{_in(name)} at {place}, where the trained one answers {float(expected):g}"


def _place(flat: int, tensor: torch.Tensor) -> list[int]:
    """Return the index along each axis; torch.unravel_index would import SymPy, which takes 0.3 s."""
    place: list[int] = []
    for length in reversed(tensor.shape):
        flat, index = divmod(flat, length)
        place.insert(0, index)
    return place


def _described(tensor: torch.Tensor) -> str:
    return f"{tensor.dtype} of shape {list(tensor.shape)}"


def _in(name: str) -> str:
    return f" in output {name}" if name else ""
