"""Checks that the tensors in PyTorch's zips fit the bytes that are stored for them, with nothing executed.

torch grows a storage that is too small for a tensor, with whatever the memory holds, so a file that was cut and
repaired would be loaded without an error and answer wrongly. The pickles are read here with stand-ins for every name
that they import: nothing is called but these.
"""

import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from model_tools.packaging.checkpoint.operators import CLASSES, OperatorUse

ITEM_BYTES = {
    "BoolStorage": 1, "ByteStorage": 1, "CharStorage": 1, "ShortStorage": 2, "IntStorage": 4, "LongStorage": 8,
    "HalfStorage": 2, "BFloat16Storage": 2, "FloatStorage": 4, "DoubleStorage": 8, "ComplexFloatStorage": 8,
    "ComplexDoubleStorage": 16, "QInt8Storage": 1, "QUInt8Storage": 1, "QInt32Storage": 4, "UntypedStorage": 1,
    "uint16": 2, "uint32": 4, "uint64": 8,
}  # fmt: skip
"""The size in bytes of an element of each class of storage, and of the dtypes that have none; 1 for others."""
REBUILD = {"_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_qtensor"}
"""The functions of torch._utils that make a tensor of a storage, an offset, sizes and strides, in this order."""
DTYPE_ARGUMENT = 6
"""The index of the dtype in the arguments of `_rebuild_tensor_v3`, whose storage has none."""
TOLD_AXES = 8
"""The number of sizes of a tensor in a message."""


class TensorMisfit(ValueError):
    """A tensor does not fit its storage; the message says which."""


@dataclass(frozen=True)
class _Storage:
    member: str
    stored: int
    """The bytes that the zip has."""
    item: int
    """The size of an element in bytes."""


def check_storages(archive: zipfile.ZipFile, pickled: str, *, script: bool) -> list[OperatorUse]:
    """Check the tensors of one pickle, as in `data.pkl`, and return the C++ classes that it names.

    Raises TensorMisfit, and whatever unpickling raises for a damaged pickle.
    """
    sizes = {member.filename.partition("/")[2]: member for member in archive.infolist()}
    with archive.open(sizes[pickled]) as stream:
        names = _Names(pickled.removesuffix(".pkl"), sizes)
        reader = _ScriptReader(stream, names) if script else _Reader(stream, names)
        reader.load()
    return [OperatorUse(name, pickled) for name in names.classes]


class _StandIn:
    """Stands for any object of a pickle: it takes every state and item, and keeps none."""

    name: ClassVar[str] = ""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        return object.__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, item: object) -> None:
        """Take an item, as a list does."""

    def extend(self, items: object) -> None:
        """Take items, as a list does."""

    def add(self, item: object) -> None:
        """Take an item, as a set does."""


class _Names:
    """Resolves what a pickle names, and keeps the C++ classes among it."""

    def __init__(self, folder: str, sizes: Mapping[str, zipfile.ZipInfo]) -> None:
        self._folder = folder
        self._sizes = sizes
        self.classes: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in REBUILD:
            return _check_tensor
        full = f"{module}.{name}".removeprefix("__torch__.")
        if full.startswith(CLASSES):
            self.classes.append(full)
        return type("_StandIn", (_StandIn,), {"name": name})

    def find_storage(self, pid: Any) -> Any:
        kind, storage, key, location, count = pid[:5]
        if kind != "storage" or str(location).startswith("meta"):
            return _StandIn()
        member = f"{self._folder}/{key}"
        if member not in self._sizes or not isinstance(count, int) or count < 0:
            raise TensorMisfit(f"the file has no values for the storage {member!r}")
        item = ITEM_BYTES.get(getattr(storage, "name", ""), 1)
        stored = self._sizes[member].file_size
        if stored < count * item:
            raise TensorMisfit(f"{member} has {stored:,} bytes of the {count * item:,} that its tensors need")
        return _Storage(member, stored, item)


class _NamesRead:
    """The part that both readers share: they ask for every class and every storage by its name."""

    def __init__(self, stream: Any, names: _Names) -> None:
        super().__init__(stream)  # type: ignore[call-arg]  # the reader's own beside this class
        self._names = names

    def find_class(self, module: str, name: str) -> Any:
        return self._names.find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        return self._names.find_storage(pid)


class _Reader(_NamesRead, pickle.Unpickler):
    """Reads the pickles of torch.save."""


class _ScriptReader(_NamesRead, pickle._Unpickler):  # noqa: SLF001 (the one that is written in Python can be taught an instruction)
    """Reads the pickles of torch.jit.save, in which enumerations are built of a value instead of a tuple of values."""

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)  # noqa: SLF001

    def load_reduce(self) -> None:
        stack: list[Any] = self.stack  # type: ignore[attr-defined]
        arguments = stack.pop()
        stack[-1] = stack[-1](*arguments) if isinstance(arguments, tuple) else _StandIn()

    dispatch[pickle.REDUCE[0]] = load_reduce


def _check_tensor(storage: Any, offset: Any, sizes: Any, strides: Any, *rest: Any) -> _StandIn:
    if not isinstance(storage, _Storage):
        return _StandIn()
    numbers = [offset, *sizes, *strides]
    if len(sizes) != len(strides) or not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise TensorMisfit(f"a tensor in {storage.member} has impossible sizes or strides")
    dtype = rest[DTYPE_ARGUMENT - 4] if len(rest) > DTYPE_ARGUMENT - 4 else None
    item = ITEM_BYTES.get(getattr(dtype, "name", ""), storage.item)
    needed = reach(offset, sizes, strides) * item
    if needed > storage.stored:
        shape = "×".join(str(size) for size in sizes[:TOLD_AXES])
        raise TensorMisfit(
            f"a tensor of {shape or 'one'} values reaches {needed:,} bytes far into {storage.member}, which has "
            f"{storage.stored:,}"
        )
    return _StandIn()


def reach(offset: int, sizes: Sequence[int], strides: Sequence[int]) -> int:
    """Return the number of elements that a storage must have for a tensor of these sizes, strides and offset."""
    if not math.prod(sizes):
        return 0
    return offset + 1 + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
