"""Takes a model's answer apart: one tensor, a tuple or list of tensors, or a dict of tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from model_tools.errors import TraceFailed
from model_tools.packaging.proof.unserved_answers import part_text, tensor_text, whole_answer_text
from model_tools.tasks.answers import ObservedValues

PART = 1 << 20
"""The number of values that are looked at together, so that a large answer is not copied as a whole."""
LARGEST = 1e300
"""The largest magnitude that is told of a value or a sum: JSON has no infinity."""


@dataclass(frozen=True)
class Outputs:
    """The structure of a model's answer, and its tensors with their names."""

    structure: Literal["tensor", "tuple", "dict"]
    names: tuple[str, ...]
    tensors: tuple[torch.Tensor, ...]

    @property
    def are_finite(self) -> bool:
        """Tell whether no value is NaN or infinite."""
        return all(bool(tensor.isfinite().all()) for tensor in self.tensors)


def take_apart(answer: Any) -> Outputs:
    """Return an answer's tensors with their names. Raises TraceFailed for an answer that cannot be served."""
    if isinstance(answer, torch.Tensor):
        return Outputs("tensor", ("",), (_plain("The model's answer", answer),))
    if isinstance(answer, Mapping):
        items = {str(key): _plain(f"The model's output {key!r}", value) for key, value in answer.items()}
        if items:
            return Outputs("dict", tuple(items), tuple(items.values()))
    elif isinstance(answer, tuple | list) and answer:
        tensors = tuple(_plain(f"The model's output {index}", value) for index, value in enumerate(answer))
        return Outputs("tuple", tuple(str(index) for index in range(len(tensors))), tensors)
    raise TraceFailed(whole_answer_text(answer))


def observe(tensor: torch.Tensor) -> ObservedValues | None:
    """Return the span of a tensor's finite values and of the sums of its rows; None if no value is finite."""
    if tensor.numel() == 0:
        return None
    has_rows = tensor.is_floating_point() and tensor.dim() > 0
    rows = tensor.detach().reshape(-1, tensor.shape[-1] if tensor.dim() > 1 else 1)
    values, sums, exponentials = _Span(), _Span(), _Span()
    for part in torch.split(rows, max(1, PART // rows.shape[1])):
        numbers = part.double()
        finite = torch.isfinite(numbers)
        values.take(numbers[finite])
        whole = numbers[finite.all(1)]
        sums.take(whole.sum(1))
        exponentials.take(whole.clamp(max=0).exp().sum(1))
    if values.bounds is None:
        return None
    return ObservedValues(
        *values.bounds,
        row_sums=sums.bounds if has_rows else None,
        row_sums_of_exponentials=exponentials.bounds if has_rows and values.bounds[1] <= 0 else None,
    )


class _Span:
    """The smallest and the largest of the numbers that were taken."""

    def __init__(self) -> None:
        self.bounds: tuple[float, float] | None = None

    def take(self, numbers: torch.Tensor) -> None:
        if numbers.numel() == 0:
            return
        low, high = (max(-LARGEST, min(LARGEST, float(bound))) for bound in numbers.aminmax())
        self.bounds = (low, high) if self.bounds is None else (min(low, self.bounds[0]), max(high, self.bounds[1]))


def _plain(what: str, value: object) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        raise TraceFailed(part_text(what, value))
    if told := tensor_text(what, value):
        raise TraceFailed(told)
    return value
