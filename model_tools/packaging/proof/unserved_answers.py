"""Words for answers that cannot be served: what the model answers, and how its forward returns it instead."""

from collections.abc import Iterator, Mapping
from numbers import Number
from typing import Any

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence

from model_tools.tensors.dtypes import DTYPE_NAMES

SUPPORTED = "a tensor, a tuple or list of tensors, or a dict of tensors"
MAX_NAMED = 4
"""The number of an object's tensors that a remedy names."""
_KNOWN: tuple[tuple[tuple[type, ...], str, str], ...] = (
    ((str, bytes), "a text", "let forward return tensors alone"),
    (
        (Number, np.generic),
        "a number of Python ({name})",
        "return the tensor that it was read from, without .item() or float()",
    ),
    ((np.ndarray,), "a NumPy array", "return the tensor that it was made from, without .numpy()"),
    (
        (PackedSequence,),
        "a PackedSequence",
        "return torch.nn.utils.rnn.pad_packed_sequence(…, batch_first=True)[0] of it",
    ),
    (
        (Iterator,),
        "a {name}, which is read piece by piece",
        "use `return` instead of `yield`, with all tensors at once",
    ),
)
"""Kinds of answers, what messages call them, and how forward returns them instead."""


def whole_answer_text(answer: object) -> str:
    """Return the message for an answer that is no tensor and holds none in a form that is understood."""
    if answer is None:
        return f"The model answers nothing (None): end forward with `return` and {SUPPORTED}."
    if isinstance(answer, Mapping | tuple | list) and not isinstance(answer, PackedSequence):
        return f"The model answers an empty {type(answer).__name__}: let forward return {SUPPORTED}."
    kind, remedy = _kind_and_remedy(answer)
    return f"The model answers {kind}: {remedy}. What can be served is {SUPPORTED}."


def part_text(what: str, value: object) -> str:
    """Return the message for a part of an answer, called `what`, that is no tensor."""
    if value is None:
        return f"{what} is None: leave it out of what forward returns. What can be served is {SUPPORTED}."
    if isinstance(value, Mapping | tuple | list) and not isinstance(value, PackedSequence):
        kind = type(value).__name__
        return (
            f"{what} is a {kind} inside the answer: let forward return the tensors of all levels side by side, in one "
            "dict or tuple, each with the batch as its first axis."
        )
    kind, remedy = _kind_and_remedy(value)
    return f"{what} is {kind}: {remedy}, or leave it out. What can be served is {SUPPORTED}."


def tensor_text(what: str, tensor: torch.Tensor) -> str:
    """Return the message for a tensor that cannot be served, called `what`, or an empty string for any other."""
    if tensor.is_nested:
        told = "is a nested tensor: return torch.nested.to_padded_tensor(…, 0.0) of it"
    elif tensor.is_quantized:
        told = "is a quantised tensor: return it after .dequantize()"
    elif tensor.layout != torch.strided:
        told = "is a sparse tensor: return it after .to_dense()"
    elif tensor.is_complex():
        told = "has complex numbers: return torch.view_as_real(…) of it, which has an axis for both parts"
    elif tensor.dtype not in DTYPE_NAMES:
        told = (
            f"has the dtype {str(tensor.dtype).removeprefix('torch.')}: convert it to one of "
            f"{', '.join(DTYPE_NAMES.values())}, for example with .to(torch.int32) or .to(torch.float32)"
        )
    else:
        return ""
    return f"{what} {told}."


def _kind_and_remedy(value: object) -> tuple[str, str]:
    name = type(value).__name__
    for kinds, kind, remedy in _KNOWN:
        if isinstance(value, kinds):
            return kind.format(name=name), remedy
    if named := _tensor_names(value):
        shown = ", ".join(f"{entry!r}: answer.{entry}" for entry in named[:MAX_NAMED])
        return f"an object of the class {name}", f"return its tensors in a dict, {{{shown}}}"
    return _with_article(name), "let forward return the tensors that it holds"


def _tensor_names(value: Any) -> list[str]:
    attributes = getattr(value, "__dict__", None) or {name: getattr(value, name, None) for name in _slots(value)}
    return [name for name, entry in attributes.items() if isinstance(entry, torch.Tensor) and not name.startswith("_")]


def _slots(value: object) -> list[str]:
    slots = getattr(type(value), "__slots__", ())
    return [slots] if isinstance(slots, str) else list(slots)


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"
