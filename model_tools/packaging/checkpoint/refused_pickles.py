"""Tells what a pickle holds that is more than weights, without importing or running anything that it names."""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model_tools.packaging.checkpoint.weight_remedies import CONVERTED, at
from model_tools.packaging.checkpoint.weight_sets import WEIGHT_KEYS, weight_sets

MAX_PICKLE_BYTES = 64 << 20
"""The largest pickle that is outlined; tensors' numbers are kept beside it, except in the format before torch 1.6."""
LEGACY_HEADERS = 3
"""The pickles before the object in torch.save's format before 1.6: a magic number, a version, facts of the machine."""


class _Outline:
    """Stands for an object that a pickle asks for; it takes whatever the pickle does to it, and does nothing."""

    wanted = ""
    state: object = None

    def __new__(cls, *_: object, **__: object) -> Self:
        return super().__new__(cls)

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        self.state = state

    def __setitem__(self, *_: object) -> None:
        pass

    def append(self, *_: object) -> None:
        pass

    extend = add = append

    @property
    def is_module(self) -> bool:
        return isinstance(self.state, Mapping) and "_modules" in self.state


class _Tensor:
    """Stands for a tensor."""


class _OutlineReader(pickle.Unpickler):
    """Reads a pickle in which every class and function is a stand-in."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name.startswith("_rebuild_"):
            return lambda *_: _Tensor()
        return type(name.rpartition(".")[2], (_Outline,), {"wanted": f"{module}.{name}"})

    def persistent_load(self, kept: object) -> object:
        # The format before torch 1.6 keeps a module's class here, with its source; a storage is kept in both formats.
        match kept:
            case ("module", kind, *_):
                return kind
        return _Outline()


@dataclass(frozen=True)
class RefusedPickle:
    """What a pickle holds that is more than weights."""

    model: str | None
    """The class of the model that is pickled as a whole; None if there is none."""
    line: str
    """The line of Python that saves only the weights, or, if it cannot be told, the one that training should have."""


def outline(path: Path) -> RefusedPickle:
    """Return what is known of a pickle of other objects than weights, with nothing of it imported or run."""
    try:
        saved = _outline(path)
    except Exception:  # noqa: BLE001 (whatever a hostile pickle raises, its outline is only for the message)
        saved = None
    weights = _weights_in(saved, f"torch.load({path.name!r}, weights_only=False)") or "model.state_dict()"
    parts = [saved, *(saved.values() if isinstance(saved, Mapping) else [])]
    models = [part.wanted for part in parts if isinstance(part, _Outline) and part.is_module]
    return RefusedPickle(models[0] if models else None, f"torch.save({weights}, {CONVERTED!r})")


def _weights_in(saved: object, source: str) -> str | None:
    """Return the expression for the weights in what `source` loads; None if the outline shows none."""
    if isinstance(saved, _Outline) and saved.is_module:
        return f"{source}.state_dict()"
    if not isinstance(saved, Mapping):
        return None
    modules = [key for key, value in saved.items() if isinstance(value, _Outline) and value.is_module]
    if modules:
        return f"{source}{at((_usual(modules),))}.state_dict()"
    sets = {part.path: part for part in weight_sets(saved, is_tensor=lambda value: isinstance(value, _Tensor))}
    inner = {path[-1]: path for path in sets if path}
    if inner:
        return f"{source}{at(inner[_usual(list(inner))])}"
    if any(isinstance(value, _Outline) and value.wanted.startswith("numpy") for value in saved.values()):
        return f"{{n: torch.as_tensor(t) for n, t in {source}.items() if hasattr(t, 'shape')}}"
    return f"{{n: t for n, t in {source}.items() if torch.is_tensor(t)}}" if sets else None


def _usual(keys: list[str | int]) -> str | int:
    """Return the key under which weights usually are, or the first."""
    return next((key for key in WEIGHT_KEYS if key in keys), keys[0])


def _outline(path: Path) -> object:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            member = next(name for name in archive.namelist() if name.partition("/")[2] == "data.pkl")
            with archive.open(member) as stream:
                return _OutlineReader(io.BytesIO(stream.read(MAX_PICKLE_BYTES))).load()
    with path.open("rb") as file:
        for _ in range(LEGACY_HEADERS):
            _OutlineReader(file).load()
        return _OutlineReader(file).load()
