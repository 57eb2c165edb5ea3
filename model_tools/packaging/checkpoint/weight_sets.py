"""Finds the one set of weights in what a training loop has saved, which may hold other things beside it.

Several sets of the same weights, such as the trained and the averaged ones, are refused: which one is meant is unknown.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import torch

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weight_names import listed, without_wrappers
from model_tools.packaging.checkpoint.weight_remedies import at, saving_line

WEIGHT_KEYS = (
    "state_dict", "model_state_dict", "model", "module", "net", "network", "weights", "model_state", "params",
)  # fmt: skip
"""The keys under which training loops save the weights beside their own state."""
AVERAGED_KEY = re.compile(r"(^|_)(ema|swa|avg|averaged?|shadow|polyak)($|_|[A-Z\d])", re.IGNORECASE)
"""The keys under which training loops save averaged weights beside the trained ones."""
MAX_DEPTH = 4
"""The number of mappings or lists inside one another that are searched for weights."""

Keys = tuple[str | int, ...]
"""The keys that lead from the saved object to a part of it."""


class Weights(dict[str, torch.Tensor]):
    """The weights of a model by their names, as a file holds them."""

    notes: tuple[str, ...] = ()
    """Sentences that say how these weights were read, for the evidence."""
    path: Keys = ()
    """The keys under which the file holds the weights."""
    versions: Mapping[str, Mapping[str, object]] | None = None
    """The versions of the modules by their names, which torch saves with a state dict."""


@dataclass(frozen=True)
class WeightSet:
    """A mapping of names to tensors, and where it stands in the saved object."""

    path: Keys
    entries: Mapping[str, object]


def find_weights(saved: object, name: str) -> Weights:
    """Return the weights in a saved object: the object itself, or its only part that maps names to tensors.

    Raises CheckpointRejected when there are none, or several; messages call the file `name`.
    """
    if isinstance(saved, Mapping) and not saved:
        return Weights()  # the state dict of a model that only computes
    found = list(weight_sets(saved, is_tensor=_is_tensor))
    chosen = _only(found, saved, name)
    tensors = {key: value for key, value in chosen.entries.items() if _is_entry(key, value, _is_tensor)}
    weights = Weights(cast("dict[str, torch.Tensor]", tensors))
    weights.path = chosen.path
    weights.versions = getattr(chosen.entries, "_metadata", None)
    notes = [f"The weights were found under {at(chosen.path)}."] if chosen.path else []
    if len(tensors) < len(chosen.entries):
        others = [key for key in chosen.entries if key not in tensors]
        notes.append(f"Entries that are no tensors were left out: {listed(others)}.")
    weights.notes = tuple(notes)
    return weights


def weight_sets(
    saved: object, *, is_tensor: Callable[[object], bool], path: Keys = (), depth: int = 0
) -> Iterator[WeightSet]:
    """Yield the mappings of names to tensors in a saved object, without those of optimisers."""
    if isinstance(saved, Mapping):
        if "param_groups" in saved or depth > MAX_DEPTH:
            return
        if _is_weights(saved, is_tensor):
            yield WeightSet(path, saved)
            return
        inner = [
            part
            for key, value in saved.items()
            if isinstance(key, str | int)
            for part in weight_sets(value, is_tensor=is_tensor, path=(*path, key), depth=depth + 1)
        ]
        if depth == 0 and not inner and any(is_tensor(value) for key, value in saved.items() if isinstance(key, str)):
            # The training loop put its own numbers into a state dict.
            yield WeightSet(path, saved)
        yield from inner
    elif isinstance(saved, list | tuple) and depth < MAX_DEPTH:
        for index, value in enumerate(saved):
            yield from weight_sets(value, is_tensor=is_tensor, path=(*path, index), depth=depth + 1)


def _only(found: list[WeightSet], saved: object, name: str) -> WeightSet:
    if not found:
        raise CheckpointRejected(_no_weights(saved, name))
    preferred = [part for part in found if not part.path or part.path[-1] in WEIGHT_KEYS]
    usable = preferred or [part for part in found if any(_dimensions(value) for value in part.entries.values())]
    if not usable:
        raise CheckpointRejected(_no_weights(saved, name))
    main = usable[0]
    rivals = [part for part in found if part is not main and (part in usable or _shares_names(part, main))]
    rivals = [part for part in rivals if not _is_same(part, main)]
    paths = [part.path for part in rivals] + [
        path for path in _averaged(saved) if not any(set(part.path) & set(path) for part in [main, *rivals])
    ]
    if paths:
        others = " and ".join(at(path) for path in [main.path, *paths][:6])
        raise CheckpointRejected(
            f"{name} holds several sets of weights, under {others}, and it is not said which one shall answer: save "
            f"that one alone, such as {saving_line(name, rivals[-1].path if rivals else main.path)}."
        )
    return main


def _is_weights(value: Mapping[object, object], is_tensor: Callable[[object], bool]) -> bool:
    return (
        bool(value)
        and all(_is_entry(key, entry, is_tensor) for key, entry in value.items())
        and any(is_tensor(entry) for entry in value.values())
    )


def _is_entry(key: object, value: object, is_tensor: Callable[[object], bool]) -> bool:
    return isinstance(key, str) and (is_tensor(value) or key.endswith("_extra_state"))


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)


def _dimensions(value: object) -> int:
    return value.dim() if isinstance(value, torch.Tensor) else 0


def _shares_names(one: WeightSet, other: WeightSet) -> bool:
    """Tell whether two sets have a weight of one name and shape: then they may be versions of the same weights."""
    return bool(_outlines(one) & _outlines(other))


def _outlines(part: WeightSet) -> set[tuple[str, torch.Size]]:
    return {
        (without_wrappers(name), value.shape) for name, value in part.entries.items() if isinstance(value, torch.Tensor)
    }


def _is_same(one: WeightSet, other: WeightSet) -> bool:
    return one.entries.keys() == other.entries.keys() and all(
        isinstance(value, torch.Tensor) and isinstance(match := other.entries[name], torch.Tensor)
        and value.shape == match.shape and torch.equal(value, match)
        for name, value in one.entries.items()
    )  # fmt: skip


def _averaged(saved: object) -> list[Keys]:
    """Return the keys at the top that name averaged weights and have tensors below, by name or in a list."""
    if not isinstance(saved, Mapping):
        return []
    return [
        (key,)
        for key, value in saved.items()
        if isinstance(key, str) and AVERAGED_KEY.search(key) and not _is_tensor(value) and _holds_tensors(value)
    ]


def _holds_tensors(value: object, depth: int = 0) -> bool:
    if isinstance(value, torch.Tensor):
        return value.dim() > 0
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return depth <= MAX_DEPTH and any(_holds_tensors(part, depth + 1) for part in parts)


def _no_weights(saved: object, name: str) -> str:
    if not isinstance(saved, Mapping):
        return f"{name} holds a {type(saved).__name__}, no weights: save model.state_dict()."
    if "param_groups" in saved:
        return (
            f"{name} holds the state of an optimiser, no weights: publish the file with the model's weights, which "
            'torch.save(model.state_dict(), "weights.pt") writes.'
        )
    keys = ", ".join(repr(key) for key in list(saved)[:5])
    return f"{name} holds no weights under its keys ({keys}): save model.state_dict() itself, or under 'state_dict'."
