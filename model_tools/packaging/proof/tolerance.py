"""The tolerances for traced and quantised models, and the refusal of a model that exceeds them. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from model_tools.errors import ParityFailed
from model_tools.formats.sections import Dtype, Optimize, Quantize
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.messages import Difference


@dataclass(frozen=True)
class Tolerance:
    """How far a value v may be off: `of_scale` · scale + `of_value` · |v| + `roundings` units in v's last place.

    The scale is a magnitude of its own for each value (model_tools.packaging.proof.scales).
    """

    of_scale: float
    of_value: float
    roundings: int = 2
    """One operation that is rounded the other way is off by one unit in the last place, at the most."""


EXACT = Tolerance(0.0, 0.0, roundings=0)
"""The tolerance that only equal values meet."""
TOLERANCES: dict[Dtype, Tolerance] = {
    "float64": Tolerance(1e-10, 1e-9),
    "float32": Tolerance(2e-5, 1e-4),
    "float16": Tolerance(1e-2, 1e-2),
    "bfloat16": Tolerance(5e-2, 3e-2),
}
"""The tolerance for each dtype, some hundred of its roundings, or a few for the half-precision ones.

Freezing folds batch norms into convolutions, and another memory format sums in another order. A lost branch or a
baked-in size is off by orders of magnitude more.
"""
SERVED: dict[Dtype, float] = {"float64": 10.0, "float32": 10.0, "float16": 2.0, "bfloat16": 2.0}
"""The multiple of the tolerance that samples have: serving may use more threads and another processor."""
SINGLE_PRECISION = 1e-6
"""The share of the magnitude up to which a difference looks like a few roundings of float32."""
MAX_PLACES = 3
"""The number of places in the code that a message lists."""
HALF: tuple[Dtype, ...] = ("float16", "bfloat16")
"""The dtypes of half precision."""
IN_A_SCRIPT = "put what depends on it into a function decorated with torch.jit.script"
"""The remedy for all that a trace cannot hold and TorchScript can."""
BAKED_REMEDIES = {
    r"elements in a list|[Ee]xpected chunk to return": (
        "forward goes through the parts of an axis one by one (for row in x, unbind, split, chunk), and the trace has "
        f"as many as there were: compute with the whole tensor, or {IN_A_SCRIPT}"
    ),
    r"shape '\[[-\d, ]*\]' is invalid": (
        "in forward, use x.shape[0], x.size(), -1 or flatten() as they are, without int(), len() or a fixed number, "
        "and give a value that is set in a part of a tensor all the axes of that part (y[:, 2] = v.expand_as(y[:, 2]))"
    ),
}
"""The remedies for a baked-in size, by what the traced model's error says."""
QUANTIZED: dict[Quantize, float] = {"dynamic-int8": 0.05, "bfloat16": 0.03}
"""The largest difference of a quantised model's answers, as a share of the scale.

Measured on multi-layer perceptrons, LSTMs, GRUs, convolutional nets and transformers with random weights: int8 0.003 to
0.046, bfloat16 0.002 to 0.021. Trained weights do no worse.
"""


ROUNDING = 1e-5
"""The share of a value that a served XGBoost model may be off.

Every processor sums the leaves in the same order; only exp and log are rounded differently from one to another.
"""


def rounding_allowance(values: Any) -> Any:
    """Return how far a served XGBoost model may be off from each value of an answer, given as nested lists."""
    if isinstance(values, list):
        return [rounding_allowance(value) for value in values]
    return None if values is None else float(f"{abs(values) * ROUNDING:.1e}")


def quantized_tolerance(optimize: Optimize) -> float | None:
    """Return the tolerance of a quantised model, as a share of the scale; None without quantisation."""
    return QUANTIZED.get(optimize.quantize) if optimize.tolerance is None else optimize.tolerance


def tolerance_of(dtype: Dtype, share: float | None = None) -> Tolerance:
    """Return the tolerance for outputs of a dtype; integers and booleans must be equal.

    `share` is the tolerance of a quantised model, as a share of the scale.
    """
    tolerance = TOLERANCES.get(dtype, EXACT)
    return tolerance if share is None or tolerance is EXACT else Tolerance(share, 0.0)


def rows_tolerance(dtype: Dtype, share: float | None = None) -> Tolerance:
    """Return the tolerance for rows that are answered alone and together by the same model.

    In half precision it is finer than that of other answers, which hides what little a row may change another. Rows
    that are farther apart are only answered one by one, and no model is refused for them.
    """
    tolerance = tolerance_of(dtype, share)
    return (
        replace(TOLERANCES["float32"], roundings=tolerance.roundings) if dtype in HALF and share is None else tolerance
    )


def served_tolerance(dtype: Dtype, share: float | None = None) -> Tolerance:
    """Return the tolerance for the answers of a served model, which runs on another processor than the proof.

    `share` is the tolerance of a quantised model, as a share of the scale.
    """
    proved, factor = tolerance_of(dtype), SERVED.get(dtype, 1.0)
    return Tolerance(factor * proved.of_scale + (share or 0.0), factor * proved.of_value, proved.roundings)


def refuse_differences(
    cases: Sequence[Case], differences: Sequence[Difference], *, traced: Case, sizes_read: Sequence[str] = ()
) -> None:
    """Raise ParityFailed, which names a failing case, its difference and the remedy, if a case exceeds its tolerance.

    If only cases with other sizes than the `traced` case fail, the message says that a size is baked in, and names the
    places in the code that read a size as a number (`sizes_read`).
    """
    failed = _exceeding(cases, differences)
    if not failed:
        return
    sizes = [(difference, case) for difference, case in failed if case.shapes != traced.shapes]
    difference, case = (sizes if len(sizes) == len(failed) else failed)[0]
    found = _found(difference)
    if difference.worst is not None:
        found += f", and at most {difference.worst.allowed:.3g} apart is allowed there"
    if all(difference.max_rel is not None and difference.max_rel < SINGLE_PRECISION for difference, _ in failed):
        raise ParityFailed(
            f"The traced model computes with less precision than the trained one: for {case.label} {found}. While "
            "tracing, a number that is made of a size, such as x.shape[1] ** -0.5, is a float32: write "
            "torch.tensor(x.shape[1], dtype=torch.float64) ** -0.5 in forward."
        )
    if len(sizes) == len(failed):
        raise ParityFailed(
            f"The traced model holds for inputs of the size it was traced with ({traced.label}), not for {case.label}: "
            f"{found}. A size is baked in{_where(sizes_read)}: {_baked_remedy(found, sizes_read)}; or fix that axis in "
            "publish.yaml."
        )
    raise ParityFailed(
        f"The traced model answers {len(failed)} of {len(cases)} inputs otherwise than the trained one; for "
        f"{case.label} {found}. Look in forward for what depends on the input's values or on state between calls, for "
        "torch.manual_seed, and for code that goes another way while it is traced, where sizes are tensors "
        "(torch.jit.is_tracing(), isinstance(size, int)"
        f"{', or a size that is read as a number ' + '; '.join(sizes_read[:MAX_PLACES]) if sizes_read else ''}); "
        "optimize: {freeze: false, channels_last: false} tells whether an optimisation is to blame."
    )


def _baked_remedy(found: str, sizes_read: Sequence[str]) -> str:
    """Return what to write instead of what has baked in a size, as far as the traced model's error tells it."""
    for pattern, remedy in BAKED_REMEDIES.items():
        if not sizes_read and re.search(pattern, found):
            return remedy
    return (
        "in forward, use x.shape[0], x.size(), -1 or flatten() as they are, without int(), len() or a fixed number"
        f"{f', or {IN_A_SCRIPT}' if sizes_read else ''}"
    )


def _where(sizes_read: Sequence[str]) -> str:
    return f", and read as a number {'; '.join(sizes_read[:MAX_PLACES])}" if sizes_read else ""


def refuse_quantized(cases: Sequence[Case], differences: Sequence[Difference], optimize: Optimize) -> None:
    """Raise ParityFailed if a quantised model exceeds its tolerance; before quantisation it was within its own."""
    failed = _exceeding(cases, differences)
    if not failed:
        return
    difference, case = max(failed, key=lambda entry: entry[0].max_rel or 0.0)
    measured = (
        ""
        if difference.max_rel is None
        else f", which is off by {difference.max_rel:.3g} of the magnitude that is usual there, "
        f"{quantized_tolerance(optimize):g} is tolerated"
    )
    raise ParityFailed(
        f"optimize: {{quantize: {optimize.quantize}}} is to blame: without it the traced model answers as the trained "
        f"one, with it {len(failed)} of {len(cases)} inputs are answered otherwise; for {case.label} "
        f"{_found(difference)}{measured}. Remove quantize, or set optimize.tolerance to what its users can bear."
    )


def _found(difference: Difference) -> str:
    worst = difference.worst
    if difference.problem or worst is None:
        return difference.problem or "the answer is another"
    output = f"output {worst.output}" if worst.output else "the output"
    place = f" at {worst.index}" if worst.index else ""
    # As many digits as tell the two numbers apart.
    digits = next(
        (digits for digits in (6, 9, 12) if f"{worst.found:.{digits}g}" != f"{worst.expected:.{digits}g}"), 17
    )
    return f"{output} is {worst.found:.{digits}g}{place} instead of {worst.expected:.{digits}g}"


def _exceeding(cases: Sequence[Case], differences: Sequence[Difference]) -> list[tuple[Difference, Case]]:
    return [
        (difference, case)
        for case, difference in zip(cases, differences, strict=True)
        if difference.excess is None or not difference.excess <= 1
    ]
