"""Turns nested lists of a request into tensors of the model's types, and the model's outputs back into lists."""

import math
from collections.abc import Mapping, Sequence

import torch

from model_tools.formats.sections import AxisSizes, InputSpec
from model_tools.serving.failures import ModelFailed
from model_tools.serving.models.numbers import CODES, NumbersReader
from model_tools.serving.requests import BadRequest
from model_tools.tensors.dtypes import DTYPES

PACKED = {"f": torch.float32, "d": torch.float64, "q": torch.int64, "i": torch.int32, "B": torch.uint8}
"""Torch's type for numbers that were packed by each `struct` code."""


class TensorReader:
    """Reads one of the model's inputs."""

    def __init__(self, spec: InputSpec, axes: Mapping[str, AxisSizes]) -> None:
        self._spec = spec
        self._numbers = NumbersReader(spec, axes)
        self._packed = PACKED[CODES[spec.dtype]]
        self._dtype = DTYPES[spec.dtype]
        self._range = _integer_range(spec)

    def read(self, value: object, where: str, *, added: int | None = None) -> torch.Tensor:
        """Return nested lists as a tensor of the spec's dtype and shape.

        An axis of size 1 is added at the place `added` if that is given. Raises BadRequest, whose message names the
        field `where`.
        """
        packed = self._numbers.read(value, where, added=added)
        tensor = torch.frombuffer(packed.data, dtype=self._packed).view(packed.shape)
        if self._dtype.is_floating_point:
            tensor = tensor.to(self._dtype)
            if not bool(tensor.isfinite().all()):
                raise BadRequest(f"{where} holds a number that is no finite {self._spec.dtype}.")
            return tensor
        if self._range is not None:  # such integers are mostly indices, and the model would fail on one out of range
            low, high = self._range
            smallest, largest = (int(bound) for bound in tensor.aminmax())
            if not low <= smallest <= largest <= high:
                raise BadRequest(f"{where} holds a number that is not from {low} to {high}.")
        return tensor.to(self._dtype)


def check_axes(tensors: Sequence[torch.Tensor], specs: Sequence[InputSpec]) -> None:
    """Raise BadRequest when inputs have different sizes of an axis of the same name."""
    sizes: dict[str, int] = {}
    for tensor, spec in zip(tensors, specs, strict=True):
        for axis, size in zip(spec.shape, tensor.shape, strict=True):
            if isinstance(axis, str) and sizes.setdefault(axis, size) != size:
                raise BadRequest(f"the axis {axis} has size {sizes[axis]} in one place and {size} in another.")


def output_tensors(output: object) -> list[torch.Tensor]:
    """Return a model's output tensors; those of a dict in the dict's order. Raises ModelFailed for any other output."""
    tensors = [output] if isinstance(output, torch.Tensor) else output
    if isinstance(tensors, Mapping):
        tensors = list(tensors.values())
    if not isinstance(tensors, Sequence) or not all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        raise ModelFailed(f"the model answered {type(output).__name__} instead of tensors")
    return list(tensors)


def to_lists(output: object, single: Sequence[int] | None = None) -> list[object]:
    """Return each of a model's output tensors as nested lists, without the axes at the places `single`, one for each.

    Raises ModelFailed for NaN, infinity, and an output with more than one row in place of a single one.
    """
    tensors = output_tensors(output)
    if single is None:
        return [to_list(tensor) for tensor in tensors]
    if len(single) != len(tensors) or any(
        tensor.dim() <= place or tensor.shape[place] != 1 for tensor, place in zip(tensors, single, strict=True)
    ):
        raise ModelFailed("the model did not answer one row to one row")
    return [to_list(tensor.select(place, 0)) for tensor, place in zip(tensors, single, strict=True)]


def to_list(tensor: torch.Tensor) -> object:
    """Return a tensor as nested lists. Raises ModelFailed for NaN and infinity."""
    require_finite(tensor)
    return tensor.tolist()


def require_finite(tensor: torch.Tensor) -> None:
    """Raise ModelFailed when a tensor holds NaN or infinity."""
    if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
        raise ModelFailed("the model answered NaN or infinity")


def example(spec: InputSpec, sizes: Sequence[int]) -> torch.Tensor:
    """Return an input of these sizes for warm-up, filled with zeros or with the value in range nearest to zero."""
    dtype = DTYPES[spec.dtype]
    low, high = spec.range or (0.0, 0.0)
    if not dtype.is_floating_point:
        low, high = math.ceil(low), math.floor(high)
    return torch.full(list(sizes), min(max(0, low), high), dtype=dtype)


def _integer_range(spec: InputSpec) -> tuple[int, int] | None:
    if spec.dtype == "bool":
        return 0, 1
    if DTYPES[spec.dtype].is_floating_point or spec.range is None:
        return None
    return math.ceil(spec.range[0]), math.floor(spec.range[1])
