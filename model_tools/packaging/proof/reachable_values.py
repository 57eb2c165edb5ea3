"""Finds the values that a model's code can reach: its weights, and all that lies in attributes, closures and globals.

Nothing is called while looking: attributes are read from `__dict__`, so that no property runs. Code of the author is
followed into closures, default arguments and the global variables that it names; code of libraries is not.
"""

import dis
import functools
import itertools
import random
import re
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch

MAX_VALUES = 200_000
"""The number of values after which no more are looked for, so that a large Python structure costs seconds at most."""
PLAIN = (bool, int, float, complex, str, bytes, type(None))
"""The types whose values are compared as they are."""
COLLECTIONS: tuple[Any, ...] = (list, tuple, deque, set, frozenset)
"""The types whose items are looked at."""
MAX_DEPTH = 100
"""The number of values within one another after which no further one is looked at, as in a long linked list."""
INTERNAL = frozenset({
    "_parameters", "_buffers", "_modules", "_non_persistent_buffers_set", "_is_full_backward_hook", "_backward_hooks",
    "_backward_pre_hooks", "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs", "_backward_hooks_with_kwargs", "_initializing", "_c", "_concrete_type",
    "example_input_array",
})  # fmt: skip
"""The attributes in which torch.nn.Module keeps its own books, and the one with Lightning's example for summaries."""
HOOKS = frozenset({"_forward_hooks", "_forward_pre_hooks"})
"""The attributes of torch.nn.Module that hold functions by a number; they run with forward."""
MACHINERY = re.compile(
    r"(torch\.(_|fx|export|utils|jit|autograd|cuda)|(_?(logging|thread(ing)?|multiprocessing|concurrent|asyncio|weakref|"
    r"io|re|typing|ctypes|socket|importlib|frozen_importlib\w*|abc|ast|inspect|pathlib|unittest|warnings))\b)"
)
"""The modules whose objects are not looked into: they hold no numbers of a model, and some have thousands of parts."""


@dataclass(frozen=True)
class Found:
    """A value, and where it was found."""

    name: str
    value: Any
    registered: bool
    """The value is a parameter or a persistent buffer of the model, so a state dict holds it."""
    attribute: str
    holder: str


@dataclass(frozen=True)
class _Place:
    """The attribute in which the walk is, and the type of the object there."""

    attribute: str
    holder: str


def reachable_values(model: Any, folder: Path) -> tuple[list[Found], list[Found]]:
    """Return the values that a model's code can reach, and the modules among them that are not registered.

    The author's code is what lies in `folder`. Values that have several names are found under the first one.
    """
    walk = _Walk(folder)
    walk.start(model)
    return walk.values, walk.loose_modules


class _Walk:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[int, object] = {}  # the objects are kept, so that no address is used twice
        self._seen_classes: set[type] = set()
        self._depth = 0
        self.values: list[Found] = []
        self.loose_modules: list[Found] = []

    def start(self, model: Any) -> None:
        modules = list(model.named_modules())
        self._seen |= {id(module): module for _, module in modules}
        for prefix, module in modules:
            for name, tensor, persistent in _own_tensors(module):
                path = _join(prefix, name)
                self._emit(path, tensor, _Place(path, "buffer"), registered=persistent)
                self._seen[id(tensor)] = tensor
        for prefix, module in modules:
            self._own_attributes(prefix, module, None)

    def _own_attributes(self, prefix: str, module: Any, place: _Place | None) -> None:
        if isinstance(module, torch.jit.ScriptModule):
            attributes = _script_attributes(module)
        else:
            attributes = [
                # The keys of hooks are counted over the whole process, so hooks are named by their order instead.
                (name, list(value.values()) if name in HOOKS else value)
                for name, value in vars(module).items()
                if name not in INTERNAL and (name not in HOOKS or value)
            ]
        for name, value in attributes:
            path = _join(prefix, name)
            self._visit(path, value, place or _Place(path, type(value).__name__))
        self._visit_class(type(module))

    def _visit(self, name: str, value: Any, place: _Place) -> None:
        if len(self.values) >= MAX_VALUES:
            return
        if isinstance(value, PLAIN):
            self._emit(name, value, place)
            return
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if _is_numbers(value):
            self._emit(name, value, place)
            return
        if self._depth >= MAX_DEPTH:
            return
        visit = next((visit for kind, visit in self._VISITS.items() if isinstance(value, kind)), _Walk._visit_object)
        self._depth += 1
        visit(self, name, value, place)
        self._depth -= 1

    def _visit_loose_module(self, name: str, module: torch.nn.Module, place: _Place) -> None:
        """Visit a module that is not a part of the model: its parameters are in no state dict of the model."""
        for prefix, part in module.named_modules(prefix=name):
            self._seen[id(part)] = part
            self.loose_modules.append(
                Found(prefix, part, registered=False, attribute=place.attribute, holder=place.holder)
            )
            for own, tensor, _ in _own_tensors(part):
                self._visit(_join(prefix, own), tensor, place)
            self._own_attributes(prefix, part, place)

    def _visit_dict(self, name: str, values: dict[Any, Any], place: _Place) -> None:
        pairs = list(dict.items(values))  # an author's class may have methods of its own, which are not called
        if _all_plain(itertools.chain.from_iterable(pairs)):
            self._emit(name, dict(pairs), place)
            return
        for number, (key, value) in enumerate(pairs):
            self._visit(f"{name}[{key!r}]" if isinstance(key, PLAIN) else f"{name}[key {number}]", value, place)

    def _visit_collection(self, name: str, values: Any, place: _Place) -> None:
        kind = next(kind for kind in COLLECTIONS if isinstance(values, kind))
        items = list(kind.__iter__(values))
        if _all_plain(items):
            self._emit(name, sorted(map(repr, items)) if kind in {set, frozenset} else items, place)
            return
        for number, value in enumerate(items):
            self._visit(f"{name}[{number}]", value, place)

    def _visit_function(self, name: str, function: types.FunctionType, place: _Place) -> None:
        self._visit_closure(name, function, place)  # a decorator of a library holds the author's function there
        if not self._is_authors(function.__code__.co_filename):
            return
        defaults = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
        for number, default in enumerate(defaults):
            self._visit(f"{name}.default[{number}]", default, place)
        for attribute, value in vars(function).items():
            self._visit(f"{name}.{attribute}", value, place)
        module = function.__globals__.get("__name__", "")
        for variable in _global_names(function.__code__):
            if variable in function.__globals__:
                path = f"{module}.{variable}"
                value = function.__globals__[variable]
                self._visit(path, value, _Place(path, type(value).__name__))

    def _visit_closure(self, name: str, function: types.FunctionType, place: _Place) -> None:
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                contents = cell.cell_contents
            except ValueError:  # the variable has no value yet
                continue
            self._visit(f"{name}.{variable}", contents, place)

    def _visit_class(self, kind: type) -> None:
        for base in kind.__mro__:
            if base in self._seen_classes:
                continue
            self._seen_classes.add(base)
            if not self._is_authors_module(base.__module__):
                continue
            for name, value in list(vars(base).items()):
                inner = _function_in(value)
                path = f"{base.__qualname__}.{name}"
                if isinstance(inner, types.FunctionType) or not _is_dunder(name):
                    self._visit(path, inner, _Place(path, type(value).__name__))

    def _visit_partial(self, name: str, partial: "functools.partial[Any]", place: _Place) -> None:
        for part in (partial.func, partial.args, partial.keywords):
            self._visit(name, part, place)

    def _visit_method(self, name: str, method: types.MethodType, place: _Place) -> None:
        self._visit(name, method.__self__, place)
        self._visit(name, method.__func__, place)

    def _visit_type(self, _name: str, kind: type, _place: _Place) -> None:
        self._visit_class(kind)

    def _visit_module_of_author(self, _name: str, module: types.ModuleType, _place: _Place) -> None:
        if not self._is_authors(getattr(module, "__file__", None) or ""):
            return
        for name, value in list(vars(module).items()):
            if not _is_dunder(name):
                path = f"{module.__name__}.{name}"
                self._visit(path, value, _Place(path, type(value).__name__))

    def _visit_object(self, name: str, value: Any, place: _Place) -> None:
        kind = type(value)
        if isinstance(value, itertools.count):
            self._emit(name, repr(value), place)
            return
        if MACHINERY.match(kind.__module__):
            return
        for attribute, part in _instance_attributes(value):
            self._visit(_join(name, attribute), part, place)
        self._visit_class(kind)

    _VISITS: ClassVar[dict[Any, Callable[["_Walk", str, Any, _Place], None]]] = {
        torch.nn.Module: _visit_loose_module,
        dict: _visit_dict,
        COLLECTIONS: _visit_collection,
        types.FunctionType: _visit_function,
        functools.partial: _visit_partial,
        types.MethodType: _visit_method,
        type: _visit_type,
        types.ModuleType: _visit_module_of_author,
    }

    def _is_authors(self, filename: str) -> bool:
        return Path(filename).is_relative_to(self._folder)

    def _is_authors_module(self, name: str) -> bool:
        return self._is_authors(getattr(sys.modules.get(name), "__file__", None) or "/")

    def _emit(self, name: str, value: Any, place: _Place, *, registered: bool = False) -> None:
        self.values.append(Found(name, value, registered, place.attribute, place.holder))


def _own_tensors(module: Any) -> Iterator[tuple[str, torch.Tensor, bool]]:
    """Yield a module's own parameters and buffers with their names, and whether a state dict holds them."""
    for name, parameter in module._parameters.items():  # noqa: SLF001 (named_parameters leaves out what has two names)
        if parameter is not None:
            yield name, parameter, True
    for name, buffer in module._buffers.items():  # noqa: SLF001
        if buffer is not None:
            yield name, buffer, name not in module._non_persistent_buffers_set  # noqa: SLF001 (it has no public name)


def _script_attributes(module: Any) -> list[tuple[str, Any]]:
    """Return the attributes of a TorchScript module that are no parameters, buffers or modules."""
    concrete = getattr(module, "_concrete_type", None)
    if concrete is None:
        return []
    own = {name for name, _, _ in _own_tensors(module)}
    names = [name for name in concrete.get_attributes() if name not in own and name not in INTERNAL]
    return [(name, module._c.getattr(name)) for name in names if module._c.hasattr(name)]  # noqa: SLF001 (it has no public name)


def _instance_attributes(value: object) -> Iterator[tuple[str, Any]]:
    with suppress(AttributeError):  # an object of a built-in type has no attributes
        yield from list(object.__getattribute__(value, "__dict__").items())
    for base in type(value).__mro__:
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            descriptor = vars(base).get(name)
            if isinstance(descriptor, types.MemberDescriptorType) and hasattr(value, name):
                yield name, getattr(value, name)


@functools.lru_cache(maxsize=4096)
def _global_names(code: types.CodeType) -> tuple[str, ...]:
    """Return the names of the global variables that a function, or one within it, reads or writes."""
    names = [
        instruction.argval
        for instruction in dis.get_instructions(code)
        if instruction.opname in {"LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL"}
    ]
    inner = [
        name for constant in code.co_consts if isinstance(constant, types.CodeType) for name in _global_names(constant)
    ]
    return tuple(dict.fromkeys([*names, *inner]))


def _function_in(value: Any) -> Any:
    """Return the function in a method of a class, or the value itself if it is none."""
    if isinstance(value, staticmethod | classmethod):
        return value.__func__
    if isinstance(value, property):
        return value.fget
    return value.func if isinstance(value, functools.cached_property) else value


def _is_numbers(value: object) -> bool:
    """Tell whether a value is a tensor, an array, or a generator of random numbers."""
    if isinstance(value, torch.Tensor | torch.Generator | random.Random):
        return True
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(
        value,
        numpy.ndarray | numpy.generic | numpy.random.Generator | numpy.random.RandomState | numpy.random.BitGenerator,
    )


def _all_plain(values: Iterable[Any]) -> bool:
    return all(kind in PLAIN for kind in set(map(type, values)))


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _join(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name
