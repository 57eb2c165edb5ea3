"""Takes a model's answer apart: one tensor, a tuple or list of tensors, or a dict of tensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from model_tools.errors import TraceFailed
from model_tools.tasks.answers import ObservedValues
from model_tools.tensors.dtypes import DTYPE_NAMES

SUPPORTED = "a tensor, a tuple or list of tensors, or a dict of tensors"


@dataclass(frozen=True)
class Outputs:
    """The structure of a model's answer, and its tensors with their names."""

    structure: Literal["tensor", "tuple", "dict"]
    names: tuple[str, ...]
    tensors: tuple[torch.Tensor, ...]


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
    raise TraceFailed(f"The model answers {type(answer).__name__}: let forward return {SUPPORTED}.")


def observe(tensor: torch.Tensor) -> ObservedValues | None:
    """Return the span of a tensor's finite values and of the sums of its rows; None if no value is finite."""
    values = tensor.double()
    finite = values[torch.isfinite(values)]
    if finite.numel() == 0:
        return None
    smallest, largest = (float(bound) for bound in finite.aminmax())
    if not tensor.is_floating_point() or tensor.dim() == 0:
        return ObservedValues(smallest, largest)
    rows = values.flatten(0, -2) if values.dim() > 1 else values.unsqueeze(1)
    rows = rows[torch.isfinite(rows).all(1)]
    if rows.shape[0] == 0:
        return ObservedValues(smallest, largest)
    exponentials = _span(rows.exp().sum(1)) if largest <= 0 else None
    return ObservedValues(smallest, largest, _span(rows.sum(1)), exponentials)


def _span(sums: torch.Tensor) -> tuple[float, float]:
    return float(sums.min()), float(sums.max())


def _plain(what: str, value: object) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        raise TraceFailed(
            f"{what} is {type(value).__name__}, no tensor: let forward return {SUPPORTED}; leave out what is None or "
            "nested."
        )
    if value.layout != torch.strided or value.dtype not in DTYPE_NAMES:
        raise TraceFailed(
            f"{what} is {value.layout} of {value.dtype}: return dense tensors of {', '.join(DTYPE_NAMES.values())}."
        )
    return value
