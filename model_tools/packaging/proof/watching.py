"""Watches a model while it is traced: which tensors depend on the input's values, and where Python reads a value.

Only torch's operations are watched, below everything that a model's code can ask about. A mode for torch's functions
would change what is computed: `nn.TransformerEncoderLayer` leaves its fast path under one.
"""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import _tensor_str
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from model_tools.packaging.proof.instructions import looks_up, prints
from model_tools.packaging.proof.untraced_sizes import UNTRACED_SIZES, told_by

READING_METHODS = ("tolist", "numpy", "__array__", "__dlpack__")
"""The methods of a tensor that hand its values to Python, or to another library, without an operation of torch."""
READING_FUNCTIONS = ("tensor", "as_tensor", "asarray")
"""The functions of torch that read the tensors in a list without an operation of torch."""
UNSEEN_READS: dict[str, Callable[[FrameType], bool]] = {"__hash__": looks_up, "__repr__": lambda _frame: True}
"""The methods that tell a size without an operation that is watched: for the key of a dict, and for a text."""
METADATA = frozenset({"aten::is_same_size", "aten::_fused_sdp_choice", "aten::is_set_to", "aten::_nnz"})
"""The operations that answer with a Python value which depends on no tensor's values."""
FACTORIES = frozenset({
    "aten::empty_like", "aten::zeros_like", "aten::ones_like", "aten::full_like", "aten::rand_like", "aten::randn_like",
    "aten::new_empty", "aten::new_zeros", "aten::new_ones", "aten::new_full", "aten::new_empty_strided",
})  # fmt: skip
"""The operations that take a tensor for its size and dtype alone."""
DECIDING_ARGUMENT = {
    "aten::nonzero": 0, "aten::masked_select": 1, "aten::index": 1, "aten::repeat_interleave": 0,
    "aten::_unique": 0, "aten::_unique2": 0, "aten::unique_dim": 0, "aten::unique_consecutive": 0,
    "aten::unique_dim_consecutive": 0, "aten::bincount": 0, "aten::_local_scalar_dense": 0,
    "aten::_pad_packed_sequence": 1,
}  # fmt: skip
"""The operations whose result may have a size that values decide, and the first of the arguments that decide it.

Inside other operations, such as `one_hot`, sizes are decided by numbers that they read.
"""
TELLING = frozenset({_tensor_str.__file__, logging.__file__})
"""The files whose code reads numbers for people alone: that of printed tensors, and that of logging."""
_MACHINERY = (str(Path(torch.__file__).parent), str(Path(__file__).parent), str(warnings.__file__), logging.__file__)
"""The folders and files whose frames on the stack are not the user's code."""

Place = tuple[str, int]
"""A file's name and a line."""


@dataclass
class Marks:
    """The storages of tensors that were computed from the inputs' values."""

    _storages: dict[int, StorageWeakRef] = field(default_factory=dict)
    # A weak reference keeps the storage's address from being reused, but does not keep its memory.

    def add(self, tensor: torch.Tensor) -> None:
        """Mark a tensor and all tensors that share its memory."""
        if tensor.layout == torch.strided:
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


@dataclass(frozen=True)
class Read:
    """A place where Python reads a tensor's value while a model is traced."""

    tensor: torch.Tensor
    place: Place
    marked: bool
    """The value was computed from the values of the inputs."""
    skips_padding: bool = False
    """`nn.TransformerEncoder` reads its mask, and skips what is masked if that stands at the ends of the rows."""
    unseen: bool = False
    """Python learns the number without an operation that a graph could hold, such as a lookup in a set or a dict."""


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Marks what is computed from the inputs, and notes the reads of values."""

    def __init__(self, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.reads: list[Read] = []
        self.sizes_decided = False
        """The inputs' values decided the size of a result, such as that of `nonzero`."""
        self._marks = Marks()
        for tensor in inputs:
            self._marks.add(tensor)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Keep torch from importing its compiler, which takes 0.9 s and is of no use here."""
        return False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Run the operation, mark its results, and note it if it answers with a value of Python."""
        kwargs = kwargs or {}
        marked = self._marks.any_in((args, kwargs))
        name = func.name().partition(".")[0]
        # Inside an operation that the trace records as a whole, the tracing state is None.
        recorded = torch._C._get_tracing_state() is not None  # noqa: SLF001 (no public name)
        convolves = recorded and func is torch.ops.aten.convolution.default
        result = _convolved(args) if convolves else func(*args, **kwargs)
        if marked and name not in FACTORIES:
            self._mark(func, args, kwargs, result)
            first = DECIDING_ARGUMENT.get(name)
            self.sizes_decided |= first is not None and self._marks.any_in(args[first:])
        if recorded and isinstance(result, bool | int | float | complex) and name not in METADATA:
            tensors = [leaf for leaf in tree_leaves(args) if isinstance(leaf, torch.Tensor)]
            self._note(tensors, skips_padding=name == "aten::_nested_tensor_from_mask_left_aligned")
        return result

    def is_marked(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor was computed from the inputs' values."""
        return self._marks.any_in(tensor)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch all operations, and the methods and functions that read values without one."""
        with ExitStack() as stack:
            for name in READING_METHODS:
                stack.enter_context(_replaced(torch.Tensor, name, self._noting(getattr(torch.Tensor, name))))
            for name in READING_FUNCTIONS:
                stack.enter_context(_replaced(torch, name, self._noting(getattr(torch, name))))
            for name, reads in UNSEEN_READS.items():
                noting = self._noting_unseen(getattr(torch.Tensor, name), reads=reads)
                stack.enter_context(_replaced(torch.Tensor, name, noting))
            for owner, name, function in UNTRACED_SIZES:
                stack.enter_context(_replaced(owner, name, self._noting_sizes(getattr(owner, name), function)))
            stack.enter_context(self)
            yield

    def _mark(self, func: Any, args: Sequence[Any], kwargs: Mapping[str, Any], result: Any) -> None:
        written = [
            value
            for argument, value in zip(func._schema.arguments, args, strict=False)  # noqa: SLF001 (there is no public schema)
            if argument.alias_info is not None and argument.alias_info.is_write
        ]
        for leaf in tree_leaves((result, written, kwargs.get("out"))):
            if isinstance(leaf, torch.Tensor):
                self._marks.add(leaf)

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def read(*args: Any, **kwargs: Any) -> Any:
            if original.__name__ in READING_FUNCTIONS:
                # A tensor that is given alone is copied by an operation, which the trace records.
                values = tuple(value for value in args if not isinstance(value, torch.Tensor))
            else:
                values = args
            self._note([leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor)])
            return original(*args, **kwargs)

        return read

    def _noting_sizes(self, original: Callable[..., Any], function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that notes the size that it tells Python past the tracer."""

        def noting(*args: Any, **kwargs: Any) -> Any:
            frame = sys._getframe(1)  # noqa: SLF001 (inspect.stack() would read every source file on each call)
            if not _prints(frame):
                told = told_by(function, args, kwargs)
                if told is not None:
                    self.reads.append(Read(told, callers_place(frame), self.is_marked(told), unseen=True))
            return original(*args, **kwargs)

        return noting

    def _noting_unseen(self, original: Callable[..., Any], *, reads: Callable[[FrameType], bool]) -> Callable[..., Any]:
        """Return a method that notes what may be sizes, if the user's code asks them and its frame `reads` them."""

        def noting(tensor: torch.Tensor, **kwargs: Any) -> Any:
            frame = sys._getframe(1)  # noqa: SLF001 (inspect.stack() would read every source file on each call)
            place = frame.f_code.co_filename, frame.f_lineno
            may_decide = _is_size(tensor) and not self.is_marked(tensor) and not in_machinery(place[0])
            if may_decide and reads(frame) and not _prints(frame):
                self.reads.append(Read(tensor, place, marked=False, unseen=True))
            return original(tensor, **kwargs)

        return noting

    def _note(self, tensors: Sequence[torch.Tensor], *, skips_padding: bool = False) -> None:
        frame = sys._getframe(2)  # noqa: SLF001 (inspect.stack() would read every source file on each call)
        if not _prints(frame):
            place = callers_place(frame)
            self.reads += [Read(tensor, place, self.is_marked(tensor), skips_padding) for tensor in tensors]


def callers_place(frame: FrameType) -> Place:
    """Return the first place from a frame outwards that is neither in torch nor in this package."""
    outer = frame
    while outer.f_back is not None and outer.f_code.co_filename.startswith(_MACHINERY):
        outer = outer.f_back
    return outer.f_code.co_filename, outer.f_lineno


def _is_size(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor is a single integer, as sizes are while a model is traced."""
    return tensor.dim() == 0 and not tensor.is_floating_point() and not tensor.is_complex()


def _convolved(args: Sequence[Any]) -> torch.Tensor:
    """Run a convolution so that the tracer sees it.

    The tracer does not record `convolution`, but `_convolution` within it, and records nothing below a mode.
    """
    tracer = torch._C._dispatch_key_parse("Tracer")  # noqa: SLF001 (no public name)
    torch._C._dispatch_tls_set_dispatch_key_excluded(tracer, False)  # noqa: SLF001, FBT003 (no public name)
    try:
        # The last four choose among implementations on other devices, and benchmark.
        return torch.ops.aten._convolution(*args, False, False, False, False)  # type: ignore[no-any-return]  # noqa: SLF001, FBT003
    finally:
        torch._C._dispatch_tls_set_dispatch_key_excluded(tracer, True)  # noqa: SLF001, FBT003 (no public name)


def in_machinery(filename: str) -> bool:
    """Tell whether a file belongs to torch or to this package, and not to the user's code."""
    return filename.startswith(_MACHINERY)


def _prints(frame: FrameType | None) -> bool:
    """Tell whether a tensor is read in order to be printed or logged, which decides nothing."""
    while frame is not None and in_machinery(frame.f_code.co_filename):
        if frame.f_code.co_filename in TELLING:
            return True
        frame = frame.f_back
    return frame is not None and prints(frame)


@contextmanager
def _replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    own = name in vars(owner)
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if own:
            setattr(owner, name, before)
        else:
            delattr(owner, name)
