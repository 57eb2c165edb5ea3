"""How far a traced model may be from its eager one, and what is said when it is farther. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_tools.errors import ParityFailed
from model_tools.manifest import Dtype
from model_tools.packaging.cases import Case
from model_tools.packaging.messages import Difference


@dataclass(frozen=True)
class Tolerance:
    """|traced - eager| may be at most `of_scale` times the output's scale plus `of_value` times |eager|.

    The scale is the largest |eager| of the case, or of the usual cases when that is larger.
    """

    of_scale: float
    of_value: float


EXACT = Tolerance(0.0, 0.0)
# Some hundred roundings of the dtype: freezing folds batch norms into convolutions, and another memory format sums in
# another order. A lost branch or a baked-in size is off by orders of magnitude more.
TOLERANCES: dict[Dtype, Tolerance] = {
    "float64": Tolerance(1e-10, 1e-9),
    "float32": Tolerance(2e-5, 1e-4),
    "float16": Tolerance(5e-3, 1e-2),
    "bfloat16": Tolerance(3e-2, 3e-2),
}


def tolerance_of(dtype: Dtype) -> Tolerance:
    """Return the tolerance for outputs of a dtype; integers and booleans must be equal."""
    return TOLERANCES.get(dtype, EXACT)


def refuse_differences(cases: Sequence[Case], differences: Sequence[Difference], *, traced: Case) -> None:
    """Raise ParityFailed telling the worst case, how far off it is, and what to do."""
    failed = [
        (difference, case)
        for case, difference in zip(cases, differences, strict=True)
        if difference.excess is None or not difference.excess <= 1
    ]
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
