"""The tolerances for traced and quantised models, and the refusal of a model that exceeds them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_tools.errors import ParityFailed
from model_tools.formats.sections import Dtype, Optimize, Quantize
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.messages import Difference


@dataclass(frozen=True)
class Tolerance:
    """|traced - eager| may be at most `of_scale` times the output's scale plus `of_value` times |eager|.

    The scale is the largest |eager| of the case, or of the usual cases when that is larger.
    """

    of_scale: float
    of_value: float


EXACT = Tolerance(0.0, 0.0)
"""The tolerance that only equal values meet."""
TOLERANCES: dict[Dtype, Tolerance] = {
    "float64": Tolerance(1e-10, 1e-9),
    "float32": Tolerance(2e-5, 1e-4),
    "float16": Tolerance(5e-3, 1e-2),
    "bfloat16": Tolerance(3e-2, 3e-2),
}
"""The tolerance for each dtype, some hundred of its roundings.

Freezing folds batch norms into convolutions, and another memory format sums in another order. A lost branch or a
baked-in size is off by orders of magnitude more.
"""
QUANTIZED: dict[Quantize, float] = {"dynamic-int8": 0.05, "bfloat16": 0.02}
"""The largest difference of a quantised model's answers, as a share of the answer's magnitude.

Measured on multi-layer perceptrons, LSTMs, GRUs, convolutional nets and transformers with random weights: int8 0.003 to
0.035, bfloat16 0.002 to 0.012. Trained weights do no worse.
"""


def quantized_tolerance(optimize: Optimize) -> float | None:
    """Return the tolerance of a quantised model, as a share of the answer's magnitude; None without quantisation."""
    return QUANTIZED.get(optimize.quantize) if optimize.tolerance is None else optimize.tolerance


def tolerance_of(dtype: Dtype) -> Tolerance:
    """Return the tolerance for outputs of a dtype; integers and booleans must be equal."""
    return TOLERANCES.get(dtype, EXACT)


def refuse_differences(cases: Sequence[Case], differences: Sequence[Difference], *, traced: Case) -> None:
    """Raise ParityFailed, which names a failing case, its difference and the remedy, if a case exceeds its tolerance.

    If only cases with other sizes than the `traced` case fail, the message says that a size is baked in.
    """
    failed = _exceeding(cases, differences)
    if not failed:
        return
    sizes = [(difference, case) for difference, case in failed if case.shapes != traced.shapes]
    difference, case = (sizes if len(sizes) == len(failed) else failed)[0]
    found = difference.problem or (
        f"the largest difference is {difference.max_abs:.3g} ({difference.max_rel:.3g} of the answer's magnitude), "
        f"{difference.excess:.3g} times what is tolerated"
    )
    if len(sizes) == len(failed):
        raise ParityFailed(
            f"The traced model holds for inputs of the size it was traced with ({traced.label}), not for {case.label}: "
            f"{found}. A size is baked in: in forward, use x.shape[0], x.size(), -1 or flatten() as they are, without "
            "int(), len() or a fixed number; or fix that axis in publish.yaml."
        )
    raise ParityFailed(
        f"The traced model answers {len(failed)} of {len(cases)} inputs otherwise than the trained one; for "
        f"{case.label} {found}. Look in forward for what depends on the input's values or on state between calls; "
        "optimize: {freeze: false, channels_last: false} tells whether an optimisation is to blame."
    )


def refuse_quantized(cases: Sequence[Case], differences: Sequence[Difference], optimize: Optimize) -> None:
    """Raise ParityFailed if a quantised model exceeds its tolerance; before quantisation it was within its own."""
    failed = _exceeding(cases, differences)
    if not failed:
        return
    difference, case = max(failed, key=lambda entry: entry[0].max_rel or 0.0)
    found = difference.problem or f"it is {difference.max_rel:.3g} of the answer's magnitude off"
    raise ParityFailed(
        f"optimize: {{quantize: {optimize.quantize}}} is to blame: without it the traced model answers as the trained "
        f"one, with it {len(failed)} of {len(cases)} inputs are answered otherwise; for {case.label} {found}, "
        f"{quantized_tolerance(optimize):g} is tolerated. Remove quantize, or set optimize.tolerance to what its "
        "users can bear."
    )


def _exceeding(cases: Sequence[Case], differences: Sequence[Difference]) -> list[tuple[Difference, Case]]:
    return [
        (difference, case)
        for case, difference in zip(cases, differences, strict=True)
        if difference.excess is None or not difference.excess <= 1
    ]
