"""Watches a model while it is traced: which tensors depend on the input's values, and where Python reads a value.

Only torch's operations are watched, below everything that a model's code can ask about. A mode for torch's functions
would change what is computed: `nn.TransformerEncoderLayer` leaves its fast path under one.
"""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from model_tools.packaging.proof.printing import only_prints
from model_tools.packaging.proof.untraced_sizes import UNTRACED_SIZES, told_by
from model_tools.packaging.proof.user_places import Place, callers_place

READING_METHODS = ("tolist", "numpy", "__array__", "__dlpack__")
"""The methods of a tensor that hand its values to Python, or to another library, without an operation of torch."""
READING_FUNCTIONS = ("tensor", "as_tensor", "asarray")
"""The functions of torch that read the tensors in a list without an operation of torch."""
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
    is_key: bool = False
    """A size is looked up in a dict or a set."""


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Marks what is computed from the inputs, and notes the reads of values."""

    def __init__(self, inputs: Sequence[torch.Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.reads: list[Read] = []
        self.sizes_decided = False
        """The inputs' values decided the size of a result, such as that of `nonzero`."""
        self.failures: list[Place] = []
        """The places at which an operation failed."""
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
        try:
            result = _convolved(args) if convolves else func(*args, **kwargs)
        except Exception:
            self.failures.append(callers_place(sys._getframe(1)))  # noqa: SLF001 (inspect.stack() is slow)
            raise
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
            for name in ("__hash__", "__repr__"):
                noting = self._noting_sizes_as(getattr(torch.Tensor, name), is_key=name == "__hash__")
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
            told = told_by(function, args, kwargs)
            if told is not None:
                self._note([told], unseen=True)
            return original(*args, **kwargs)

        return noting

    def _noting_sizes_as(self, original: Callable[..., Any], *, is_key: bool) -> Callable[..., Any]:
        """Return a method that makes a key or a text of a tensor, and notes what may be a size."""

        def noting(tensor: torch.Tensor, **kwargs: Any) -> Any:
            # A size is a tensor while tracing, which no set and no dict of numbers holds, whatever the size is.
            if tensor.dim() == 0 and not tensor.is_floating_point() and not self.is_marked(tensor):
                self._note([tensor], unseen=True, is_key=is_key)
            return original(tensor, **kwargs)

        return noting

    def _note(self, tensors: Sequence[torch.Tensor], **more: bool) -> None:
        place = callers_place(sys._getframe(2))  # noqa: SLF001 (inspect.stack() would read every source file on each call)
        if not only_prints(place):
            self.reads += [Read(tensor, place, self.is_marked(tensor), **more) for tensor in tensors]


def is_kept_as_key(tensor: torch.Tensor) -> bool:
    """Tell whether a dict has a tensor, or a tuple that holds it, as a key: what was looked up is then made anew."""
    holders = [tensor, *(holder for holder in gc.get_referrers(tensor) if isinstance(holder, tuple))]
    dicts = (each for holder in holders for each in gc.get_referrers(holder) if isinstance(each, dict))
    keys = {id(holder) for holder in holders}
    return any(id(key) in keys for each in dicts for key in each)


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
