"""Tells what a pickle holds that is more than weights, without importing or running anything that it names."""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from model_tools.packaging.checkpoint.weight_names import without_wrappers
from model_tools.packaging.checkpoint.weight_remedies import CONVERTED, at
from model_tools.packaging.checkpoint.weight_sets import AVERAGED_KEY, WEIGHT_KEYS, Keys, weight_sets

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
    others: list[Keys]
    """The keys of further weights, or whole models, that may be versions of those that the line saves."""


@dataclass(frozen=True)
class _Candidate:
    """A part of a pickle from which weights can be taken."""

    path: Keys
    names: frozenset[str]
    """The names of the weights without what wrappers add; none for a whole model."""

    @property
    def expression(self) -> str:
        return at(self.path) if self.names else f"{at(self.path) if self.path else ''}.state_dict()"


def outline(path: Path) -> RefusedPickle:
    """Return what is known of a pickle of other objects than weights, with nothing of it imported or run."""
    try:
        saved = _outline(path)
    except Exception:  # noqa: BLE001 (whatever a hostile pickle raises, its outline is only for the message)
        saved = None
    source = f"torch.load({path.name!r}, weights_only=False)"
    candidates = _candidates(saved)
    if not candidates:
        weights = _flat_weights(saved, source) or "model.state_dict()"
        return RefusedPickle(None, f"torch.save({weights}, {CONVERTED!r})", [])
    chosen = next((part for part in candidates if part.path and part.path[-1] in WEIGHT_KEYS), candidates[0])
    others = [part.path for part in candidates if part is not chosen and _may_be_version(part, chosen)]
    model = None if chosen.names else _part(saved, chosen.path).wanted
    return RefusedPickle(model, f"torch.save({source}{chosen.expression}, {CONVERTED!r})", others)


def _candidates(saved: object) -> list[_Candidate]:
    """Return the whole models in a pickle, at its top or under a key of it, and the sets of weights under its keys."""
    if isinstance(saved, _Outline):
        return [_Candidate((), frozenset())] if saved.is_module else []
    if not isinstance(saved, Mapping):
        return []
    models = [key for key, value in saved.items() if isinstance(value, _Outline) and value.is_module]
    sets = weight_sets(saved, is_tensor=lambda value: isinstance(value, _Tensor))
    return [
        *(_Candidate((key,), frozenset()) for key in models),
        *(_Candidate(part.path, frozenset(map(without_wrappers, part.entries))) for part in sets if part.path),
    ]


def _may_be_version(part: _Candidate, chosen: _Candidate) -> bool:
    return not part.names or bool(part.names & chosen.names) or bool(AVERAGED_KEY.search(str(part.path[-1])))


def _part(saved: object, path: Keys) -> _Outline:
    part = saved[path[0]] if path else saved  # type: ignore[index]  # a path of one key is that of a mapping
    return part if isinstance(part, _Outline) else _Outline()


def _flat_weights(saved: object, source: str) -> str | None:
    """Return the expression for tensors or arrays that stand among other objects; None if there are none."""
    if not isinstance(saved, Mapping):
        return None
    if any(isinstance(value, _Outline) and value.wanted.startswith("numpy") for value in saved.values()):
        return f"{{n: torch.as_tensor(t) for n, t in {source}.items() if hasattr(t, 'shape')}}"
    if any(isinstance(value, _Tensor) for value in saved.values()):
        return f"{{n: t for n, t in {source}.items() if torch.is_tensor(t)}}"
    return None


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
