"""Nested lists of numbers to tensors, checked against what the model takes; and tensors back to lists."""

import json
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


MAX_ANSWER_BYTES = 6_000_000
"""Lambda turns an answer above 6 MiB into a function error."""
LONGEST_NUMBER = 25
"""Bytes that a number takes in an answer at most, its comma included."""


class ModelFailed(Exception):
    """The model answered a sound request with something that cannot be passed on; counts as a function error."""


def to_tensor(value: object, spec: InputSpec, where: str) -> torch.Tensor:
    """Return nested lists as a tensor of the spec's dtype and shape. Raises BadRequest naming what does not fit."""
    shape = _shape(value, where)
    if not _fits(shape, spec.shape):
        raise BadRequest(f"{where} has shape {list(shape)}; the model takes {spec.shape}.")
    dtype = DTYPES[spec.dtype]
    try:
        # Integers in the type that holds them all: torch would cut fractions off and wrap what is too large.
        exact = torch.tensor(value, dtype=torch.float64 if dtype.is_floating_point else None)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise BadRequest(f"{where} must hold numbers of type {spec.dtype} only, in lists of equal length.") from error
    tensor = exact.to(dtype)
    if dtype.is_floating_point:
        if not bool(torch.isfinite(tensor).all()):
            raise BadRequest(f"{where} holds a number that is no finite {spec.dtype}.")
    elif exact.is_floating_point() or not torch.equal(tensor.to(exact.dtype), exact):
        raise BadRequest(f"{where} holds a number that is no {spec.dtype}.")
    elif spec.range is not None:
        low, high = _integers_in(spec.range)  # mostly indices: beyond them the model would fail
        if not low <= int(tensor.min()) <= int(tensor.max()) <= high:
            raise BadRequest(f"{where} holds a number that is not from {low} to {high}.")
    return tensor


def check_axes(tensors: Sequence[torch.Tensor], specs: Sequence[InputSpec]) -> None:
    """Raise BadRequest where an axis that inputs share by its name has different sizes."""
    sizes: dict[str, int] = {}
    for tensor, spec in zip(tensors, specs, strict=True):
        for axis, size in zip(spec.shape, tensor.shape, strict=True):
            if isinstance(axis, str) and sizes.setdefault(axis, size) != size:
                raise BadRequest(f"the axis {axis} has size {sizes[axis]} in one place and {size} in another.")


def to_lists(output: object) -> list[object]:
    """Return each of a model's output tensors as nested lists, those of a dict in its order.

    Raises ModelFailed for NaN and infinity, BadRequest when they are more than Lambda can answer.
    """
    tensors = [output] if isinstance(output, torch.Tensor) else output
    if isinstance(tensors, Mapping):
        tensors = list(tensors.values())
    if not isinstance(tensors, Sequence) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        raise ModelFailed(f"the model answered {type(output).__name__} instead of tensors")
    for tensor in tensors:
        require_finite(tensor)
    lists = [tensor.float().tolist() if tensor.dtype == torch.bfloat16 else tensor.tolist() for tensor in tensors]
    longest = LONGEST_NUMBER * sum(tensor.numel() for tensor in tensors)
    if longest > MAX_ANSWER_BYTES and len(json.dumps(lists)) > MAX_ANSWER_BYTES:
        raise BadRequest(f"the answer would have more than {MAX_ANSWER_BYTES:,} bytes: ask for less at a time.")
    return lists


def require_finite(tensor: torch.Tensor) -> None:
    """Raise ModelFailed when a tensor holds NaN or infinity."""
    if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
        raise ModelFailed("the model answered NaN or infinity")


def example(spec: InputSpec, size: int) -> torch.Tensor:
    """Return an input for warm-up, of zeros or the nearest sound value; each axis with a name has the size."""
    dtype = DTYPES[spec.dtype]
    low, high = spec.range or (0.0, 0.0)
    if not dtype.is_floating_point:
        low, high = _integers_in((low, high))
    shape = [axis if isinstance(axis, int) else size for axis in spec.shape]
    return torch.full(shape, min(max(0, low), high), dtype=dtype)


def _integers_in(bounds: tuple[float, float]) -> tuple[int, int]:
    return math.ceil(bounds[0]), math.floor(bounds[1])


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
