"""Nested lists of numbers to tensors, checked against what the model takes; and tensors back to lists."""

import math
from collections.abc import Mapping, Sequence

import torch

from model_tools.manifest import Dtype, InputSpec
from model_tools.serving.requests import BadRequest

DTYPES: Mapping[Dtype, torch.dtype] = {
    "float32": torch.float32,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int64": torch.int64,
    "int32": torch.int32,
    "uint8": torch.uint8,
    "bool": torch.bool,
}


class ModelFailed(Exception):
    """The model answered a sound request with something that cannot be passed on; counts as a function error."""


def to_tensor(value: object, spec: InputSpec, where: str) -> torch.Tensor:
    """Return nested lists as a tensor of the spec's dtype and shape. Raises BadRequest naming what does not fit."""
    shape = _shape(value, where)
    if not _fits(shape, spec.shape):
        raise BadRequest(f"{where} has shape {list(shape)}; the model takes {spec.shape}.")
    dtype = DTYPES[spec.dtype]
    try:
        exact = torch.tensor(value, dtype=torch.float64 if dtype.is_floating_point else dtype)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise BadRequest(f"{where} must hold numbers of type {spec.dtype} only, in lists of equal length.") from error
    tensor = exact.to(dtype)
    if dtype.is_floating_point and not bool(torch.isfinite(tensor).all()):
        raise BadRequest(f"{where} holds a number that is no finite {spec.dtype}.")
    return tensor


def to_lists(output: object) -> list[object]:
    """Return each of a model's output tensors as nested lists. Raises ModelFailed for NaN and infinity."""
    tensors = [output] if isinstance(output, torch.Tensor) else output
    if isinstance(tensors, Mapping):
        tensors = list(tensors.values())
    if not isinstance(tensors, Sequence) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        raise ModelFailed(f"the model answered {type(output).__name__} instead of tensors")
    for tensor in tensors:
        require_finite(tensor)
    return [tensor.float().tolist() if tensor.dtype == torch.bfloat16 else tensor.tolist() for tensor in tensors]


def require_finite(tensor: torch.Tensor) -> None:
    """Raise ModelFailed when a tensor holds NaN or infinity."""
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise ModelFailed("the model answered NaN or infinity")


def example(spec: InputSpec) -> torch.Tensor:
    """Return an input of the smallest shape for warm-up, of zeros or the nearest sound value."""
    low, high = spec.range or (0.0, 0.0)
    value = min(max(0.0, low), high)
    shape = [axis if isinstance(axis, int) else 1 for axis in spec.shape]
    dtype = DTYPES[spec.dtype]
    return torch.full(shape, value if dtype.is_floating_point else math.ceil(value), dtype=dtype)


def _shape(value: object, where: str) -> tuple[int, ...]:
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        if len(sizes) > 8:  # noqa: PLR2004 (a manifest's shapes have no more axes)
            raise BadRequest(f"{where} is nested too deeply.")
        if not value:
            break
        value = value[0]
    return tuple(sizes)


def _fits(shape: Sequence[int], wanted: Sequence[int | str]) -> bool:
    return len(shape) == len(wanted) and all(
        size == axis or (isinstance(axis, str) and size > 0) for size, axis in zip(shape, wanted, strict=True)
    )
