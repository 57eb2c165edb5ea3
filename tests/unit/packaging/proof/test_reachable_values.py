"""Every value that a model's code can reach is found, however deep it lies, and differs when its contents differ."""

import functools
import random
import types
from collections import OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from model_tools.packaging.proof.model_state import StateReader, digest_of

HERE = Path(__file__).parent
"""The folder of this file, whose classes and functions are the author's."""
Pair = namedtuple("Pair", ["left", "right"])  # noqa: PYI024 (authors write it so)


@dataclass
class Settings:
    """A dataclass of an author."""

    scale: Any


class Slotted:
    """An object of an author without a dictionary."""

    __slots__ = ("scale",)

    def __init__(self, scale: Any) -> None:
        self.scale = scale

    def read(self) -> Any:
        """Return what the object holds."""
        return self.scale


class Holding(nn.Module):
    """A module of an author that holds something in a plain attribute."""

    def __init__(self, held: Any) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.inner.held = held

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input."""
        return x


def with_closure(held: Any) -> Callable[[], Any]:
    return lambda: held


def with_default(held: Any) -> Callable[[], Any]:
    def read(held: Any = held) -> Any:
        return held

    return read


def with_hook(held: Any) -> nn.Module:
    module = nn.ReLU()
    module.register_forward_hook(lambda *_: held)
    return module


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "list": lambda held: ["x", held],
    "tuple": lambda held: (1, held),
    "named tuple": lambda held: Pair(None, held),
    "dict": lambda held: {"key": held, 3: 4},
    "ordered dict": lambda held: OrderedDict(key=held),
    "default dict": lambda held: defaultdict(list, key=held),
    "dict with keys that are objects": lambda held: {Pair: held},
    "deque": lambda held: deque([held]),
    "dataclass": Settings,
    "namespace": lambda held: types.SimpleNamespace(scale=held),
    "slots": Slotted,
    "bound method": lambda held: Slotted(held).read,
    "closure": with_closure,
    "default argument": with_default,
    "partial": lambda held: functools.partial(print, held, end=""),
    "module": Holding,
    "hook": with_hook,
}
"""Things that hold another one."""
LEAVES: dict[str, Callable[[int], Any]] = {
    "tensor": lambda seed: torch.full((2,), float(seed)),
    "whole numbers": lambda seed: torch.tensor([seed]),
    "half": lambda seed: torch.full((3,), float(seed), dtype=torch.bfloat16),
    "complex": lambda seed: torch.full((3,), complex(0, seed)).conj(),
    "sparse": lambda seed: torch.eye(3).mul(seed + 1).to_sparse(),
    "array": lambda seed: np.full(3, seed),
    "array of objects": lambda seed: np.array([seed, None], dtype=object),
    "number": lambda seed: seed + 0.5,
    "numbers": lambda seed: [seed, 1, 2.0],
    "numbers by name": lambda seed: {"a": seed},
    "names in a set": lambda seed: {f"a{seed}", "b"},
    "random numbers": random.Random,
    "random numbers of numpy": np.random.default_rng,
    "random numbers of old numpy": np.random.RandomState,
    "random numbers of torch": lambda seed: torch.Generator().manual_seed(seed),
}
"""Values with contents, made from a number."""


def state_with(held: Any) -> dict[str, str]:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    model[1].held = held
    return {
        name: value.digest
        for name, value in StateReader(model, HERE).read().items()
        if not name.endswith((".inner.weight", ".inner.bias"))  # they are drawn at random
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=4), st.sampled_from(sorted(LEAVES)))
def test_a_value_is_found_within_any_nesting(wrappers: list[str], leaf: str):
    def held(seed: int) -> Any:
        value = LEAVES[leaf](seed)
        for wrapper in wrappers:
            value = WRAPPERS[wrapper](value)
        return value

    one, same, other = (state_with(held(seed)) for seed in (1, 1, 2))
    assert one == same
    differing = {name for name in one if one[name] != other[name]}
    assert len(differing) == 1
    assert next(iter(differing)).startswith("1.held")


class Hostile(dict):
    """A dict of an author whose methods fail."""

    def items(self) -> Any:
        """Fail."""
        raise RuntimeError("nobody may call this")

    __iter__ = keys = values = items
    __getattr__ = items  # type: ignore[assignment]


def test_no_code_of_an_author_runs_while_its_values_are_looked_at():
    assert state_with(Hostile(key=[torch.zeros(1)])) != state_with(Hostile(key=[torch.ones(1)]))


def test_a_long_chain_of_values_is_followed_only_so_far():
    chain: list[Any] = []
    for _ in range(5000):
        chain = [chain, torch.zeros(1)]
    assert 50 < len(state_with(chain)) < 200


def test_a_circle_of_values_is_walked_once():
    circle: list[Any] = [torch.zeros(1)]
    circle.append(circle)
    assert len([name for name in state_with(circle) if name.startswith("1.held")]) == 1


def test_a_nested_tensor_is_compared_by_its_kind():
    nested = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=torch.jagged)
    assert digest_of(nested) == digest_of(nested)
