"""Finds the places where a model's Python code decides by the values of its inputs, which tracing cannot record.

Two runs of `forward` are compared. In an eager run every tensor that is computed from an input is marked, by its
storage, and each place where Python reads a marked tensor's value (`if x.sum() > 0`, `.item()`, `.tolist()` …) is
noted. While tracing, each place where Python reads any tensor's value is noted. At a place that both runs note, the
trace has frozen a value that depends on the input. Sizes, weights, constants and scripted functions are not noted in
both.
"""

import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

READS = frozenset({
    "__bool__", "__int__", "__float__", "__complex__", "__index__", "__contains__", "__array__",
    "item", "tolist", "numpy", "equal", "allclose", "is_nonzero",
})  # fmt: skip
"""The names of the calls that turn a tensor's value into a value of Python."""
_MACHINERY = (str(Path(torch.__file__).parent), str(Path(__file__).parent), str(warnings.__file__))
"""The folders and files whose frames on the stack are not the user's code."""

Place = tuple[str, int]
"""A file's name and a line."""


@dataclass
class Marks:
    """The storages of tensors that were computed from the inputs."""

    _storages: dict[int, StorageWeakRef] = field(default_factory=dict)
    # A weak reference keeps the storage's address from being reused, but does not keep its memory.

    def add(self, tensor: torch.Tensor) -> None:
        """Mark a tensor and all tensors that share its memory."""
        reference = StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
        self._storages[reference.cdata] = reference

    def any_in(self, values: object) -> bool:
        """Tell whether nested values contain a marked tensor."""
        return any(
            isinstance(leaf, torch.Tensor)
            and leaf.layout == torch.strided
            and leaf.untyped_storage()._cdata in self._storages  # noqa: SLF001 (the identity of a storage has no public name)
            for leaf in tree_leaves(values)
        )


class Marking(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Marks every tensor that an operation with a marked tensor among its inputs returns or writes into."""

    def __init__(self, marks: Marks) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._marks = marks

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from importing its compiler, which takes 0.9 s and is of no use here."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation, then mark its results."""
        kwargs = kwargs or {}
        marked = self._marks.any_in((args, kwargs))
        result = func(*args, **kwargs)
        if marked:
            written = [
                value
                for argument, value in zip(func._schema.arguments, args, strict=False)  # noqa: SLF001 (there is no public schema)
                if argument.alias_info is not None and argument.alias_info.is_write
            ]
            for leaf in tree_leaves((result, written)):
                if isinstance(leaf, torch.Tensor) and leaf.layout == torch.strided:
                    self._marks.add(leaf)
        return result


class Reads(TorchFunctionMode):
    """Notes the places where Python reads a tensor's value; with `marks`, only those of marked tensors."""

    def __init__(self, marks: Marks | None = None) -> None:
        super().__init__()
        self._marks = marks
        self.places: dict[Place, Place] = {}
        """Maps the innermost place to the innermost place in the user's code."""

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Note the place if the call reads a value, and run the call."""
        if getattr(func, "__name__", "") in READS and (self._marks is None or self._marks.any_in((args, kwargs))):
            self._note()
        return func(*args, **(kwargs or {}))

    def _note(self) -> None:
        frame = sys._getframe(2)  # noqa: SLF001 (inspect.stack() would read every source file on each call)
        self.places[frame.f_code.co_filename, frame.f_lineno] = callers_place(frame)


def callers_place(frame: FrameType) -> Place:
    """Return the first place from a frame outwards that is neither in torch nor in this package."""
    outer = frame
    while outer.f_back is not None and outer.f_code.co_filename.startswith(_MACHINERY):
        outer = outer.f_back
    return outer.f_code.co_filename, outer.f_lineno


def reads_of_inputs(model: torch.nn.Module, inputs: Sequence[torch.Tensor]) -> dict[Place, Place]:
    """Run the eager model once and return the places where Python reads a value that depends on the inputs."""
    marks = Marks()
    for tensor in inputs:
        marks.add(tensor)
    reads = Reads(marks)
    with torch.no_grad(), reads, Marking(marks):
        model(*inputs)
    return reads.places
