"""The functions of torch that tell Python a size past the tracer, and what they tell as a tensor that it follows.

`torch.numel(x)` is a plain number while a model is traced, and `x.unbind(1)` a tuple of as many tensors as there are
parts; `x.numel()` and `x.size(1)` are tensors that the trace computes.
"""

from collections.abc import Callable
from typing import Any

import torch


def _parts_of_unbind(tensor: torch.Tensor, dim: int = 0) -> Any:
    return tensor.size(dim)


def _parts_of_split(tensor: torch.Tensor, size: Any = None, dim: int = 0, **named: Any) -> Any:
    size = next(iter(named.values()), size)  # it is called split_size, or split_size_or_sections
    return None if isinstance(size, list | tuple) else _parts(tensor.size(dim), size)


def _parts_of_chunk(tensor: torch.Tensor, chunks: int, dim: int = 0) -> Any:
    return _parts(tensor.size(dim), _parts(tensor.size(dim), chunks))


def _parts(length: Any, size: Any) -> Any:
    """Return how many parts of a size a length has, the last of which may be smaller."""
    return (length + size - 1) // size


def _numel(tensor: torch.Tensor) -> Any:
    return tensor.numel()


def _same_size(tensor: torch.Tensor, other: torch.Tensor) -> Any:
    same: Any = None
    for axis in range(tensor.dim() if tensor.dim() == other.dim() else 0):
        equal = tensor.size(axis) == other.size(axis)
        same = equal if same is None else same & equal
    return same


def _stride(tensor: torch.Tensor, dim: int | None = None) -> Any:
    """Return the distance between neighbours in memory; the number of values where axes have another order."""
    if dim is None or not tensor.is_contiguous():
        return tensor.numel()
    distance: Any = None
    for axis in range(dim % tensor.dim() + 1, tensor.dim()):
        distance = tensor.size(axis) if distance is None else distance * tensor.size(axis)
    return distance


UNTRACED_SIZES: tuple[tuple[Any, str, Callable[..., Any]], ...] = (
    (torch, "numel", _numel),
    (torch, "is_same_size", _same_size),
    (torch.Tensor, "is_same_size", _same_size),
    (torch.Tensor, "stride", _stride),
    (torch.Tensor, "unbind", _parts_of_unbind),
    (torch, "unbind", _parts_of_unbind),
    (torch.Tensor, "split", _parts_of_split),
    (torch.Tensor, "chunk", _parts_of_chunk),
    (torch, "chunk", _parts_of_chunk),
)
"""Where each function stands, its name, and the number that Python learns of it; None for one that no size decides.

`torch.split` calls the method, and so do `for row in x` and `a, b = x`.
"""


def told_by(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> torch.Tensor | None:
    """Return the number that a call tells, as a tensor that is traced; None if it depends on no size."""
    if not torch._C._is_tracing():  # noqa: SLF001 (torch.jit.is_tracing is the same for scripts as well)
        return None
    named = {{"input": "tensor", "self": "tensor"}.get(name, name): value for name, value in kwargs.items()}
    told = function(*args, **named)
    return told if isinstance(told, torch.Tensor) else None
