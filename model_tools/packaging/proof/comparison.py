"""Compares a traced answer with the trained model's, each value within its own tolerance."""

import math
from typing import Any

import torch

from model_tools.packaging.proof.messages import Difference, WorstValue
from model_tools.packaging.proof.scales import UsualScales, magnitudes
from model_tools.packaging.proof.tolerance import Tolerance

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
    expected, found = trained.double(), traced.double()
    same = (traced == trained) | (found.isnan() & expected.isnan())  # int64 has more digits than float64
    infinite = ~same & ~(expected.isfinite() & found.isfinite())
    if bool(infinite.any()):
        return Difference(problem=_infinite_problem(infinite, found, expected, name))
    apart = torch.where(same, 0.0, (found - expected).abs())
    scales = usual.scales_of(trained)
    allowed = allowed_differences(trained, scales, tolerance)
    # Where nothing is allowed, as for integers, every difference is infinitely too large, even below float64's digits.
    excess = torch.where(same, 0.0, torch.where(allowed > 0, apart / allowed, math.inf))
    worst = int(excess.argmax())
    place = _place(worst, trained)
    return Difference(
        max_abs=min(float(apart.max()), MOST),
        max_rel=min(float(torch.where(apart == 0, 0.0, apart / scales).max()), MOST),
        excess=min(float(excess.flatten()[worst]), MOST),
        worst=WorstValue(
            output=name, index=place, allowed=float(allowed[tuple(place)]),
            expected=float(expected[tuple(place)]), found=float(found[tuple(place)]),
        ),
    )  # fmt: skip


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


def _infinite_problem(places: torch.Tensor, found: torch.Tensor, expected: torch.Tensor, name: str) -> str:
    place = _place(int(places.flatten().int().argmax()), places)
    return (
        f"it answers {float(found[tuple(place)]):g}{_in(name)} at {place}, where the trained one answers "
        f"{float(expected[tuple(place)]):g}"
    )


def _place(flat: int, tensor: torch.Tensor) -> list[int]:
    return [int(index) for index in torch.unravel_index(torch.tensor(flat), tensor.shape)]


def _described(tensor: torch.Tensor) -> str:
    return f"{tensor.dtype} of shape {list(tensor.shape)}"


def _in(name: str) -> str:
    return f" in output {name}" if name else ""
