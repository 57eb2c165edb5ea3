"""Names of weights under wrappers, over random trees of modules whose own names may be those of wrappers."""

import copy
from collections.abc import Mapping

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weight_names import contracted_names, match_names
from model_tools.packaging.checkpoint.weight_sets import Weights
from model_tools.packaging.checkpoint.weights import load_weights

NAMES = st.sampled_from(["body", "head", "0", "module", "model", "_orig_mod"])
WRAPPER_NAMES = st.lists(
    st.sampled_from(["module", "_orig_mod", "model", "_fsdp_wrapped_module"]), min_size=0, max_size=2
)
TREES = st.recursive(
    st.just({"weight": None}),
    lambda inner: (
        st.dictionaries(NAMES, inner, min_size=1, max_size=3)
        | st.dictionaries(NAMES, inner, min_size=1, max_size=2).map(lambda children: {**children, "weight": None})
    ),
    max_leaves=8,
)
"""Modules by their names; None stands for a weight, and all have one shape, so that only names tell them apart."""


def build(tree: Mapping[str, object]) -> nn.Module:
    module = nn.Module()
    for name, part in tree.items():
        if part is None:
            module.register_parameter(name, nn.Parameter(torch.zeros(2)))
        else:
            module.add_module(name, build(part))
    return module


def numbered(module: nn.Module) -> nn.Module:
    with torch.no_grad():
        for number, weight in enumerate(module.parameters(), start=1):
            weight.fill_(number)
    return module


def wrapped(module: nn.Module, data: st.DataObject) -> nn.Module:
    """Wrap the module and any of its parts, each by up to two wrappers."""
    for name, part in list(module.named_children()):
        module._modules[name] = wrapped(part, data)
    for name in data.draw(WRAPPER_NAMES):
        outer = nn.Module()
        outer.add_module(name, module)
        module = outer
    return module


def tied(module: nn.Module, data: st.DataObject) -> list[str]:
    """Let two of the module's weights be one, and return their names; none if it has fewer than two."""
    names = [name for name, _ in module.named_parameters()]
    if len(names) < 2:
        return []
    first, second = data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True))
    owner, _, leaf = second.rpartition(".")
    setattr(module.get_submodule(owner), leaf, module.get_parameter(first))
    return [first, second]


def weights_of(module: nn.Module) -> Weights:
    return Weights({name: value.clone() for name, value in module.state_dict().items()})


@settings(deadline=None)
@given(TREES, st.data())
def test_every_weight_finds_its_place_again_whatever_was_wrapped(tree, data):
    model = build(tree)
    tied(model, data)
    trained = numbered(copy.deepcopy(model))
    load_weights(model, weights_of(wrapped(copy.deepcopy(trained), data)), where="a.pt")
    for name, value in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


@settings(deadline=None)
@given(TREES, st.data())
def test_a_name_of_a_tied_weight_may_be_missing_and_nothing_is_taken_for_another(tree, data):
    model = build(tree)
    names = tied(model, data)
    assume(names)
    trained = numbered(copy.deepcopy(model))
    state = wrapped(copy.deepcopy(trained), data).state_dict()
    own = dict(zip(state, trained.state_dict(), strict=True))
    dropped = data.draw(st.sampled_from([name for name in state if own[name] in names]))
    try:
        load_weights(model, Weights({key: value for key, value in state.items() if key != dropped}), where="a.pt")
    except CheckpointRejected:
        return  # the tree without this name has the form of another
    for name, value in trained.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


@settings(deadline=None)
@given(TREES, st.data())
def test_a_missing_weight_is_refused(tree, data):
    model = build(tree)
    weights = weights_of(wrapped(numbered(copy.deepcopy(model)), data))
    del weights[data.draw(st.sampled_from(sorted(weights)))]
    with pytest.raises(CheckpointRejected):
        load_weights(model, weights, where="a.pt")


@settings(deadline=None)
@given(TREES, st.data())
def test_a_weight_too_many_is_refused(tree, data):
    model = build(tree)
    weights = weights_of(wrapped(numbered(copy.deepcopy(model)), data))
    extra = ".".join([*data.draw(st.lists(NAMES, max_size=2)), "bias"])
    with pytest.raises(CheckpointRejected):
        load_weights(model, Weights({**weights, extra: torch.ones(2)}), where="a.pt")


@given(st.lists(st.lists(NAMES, min_size=1, max_size=4).map(".".join), unique=True, max_size=8))
def test_no_two_names_become_one(parts):
    names = [f"{part}.weight" for part in parts]
    short = contracted_names(names)
    assert len(set(short.values())) == len(names)


def test_the_nearest_form_is_told_when_nothing_fits():
    match = match_names(["module.a.weight", "module.b.weight"], ["a.weight", "c.weight"], shared={})
    assert match.missing == ["c.weight"]
    assert match.unexpected == {"module.b.weight": "b.weight"}


def test_a_name_that_may_be_missing_does_not_hide_one_that_may_not():
    match = match_names(
        ["module.b.bias", "module.b.weight"],
        ["b.bias", "b.weight", "a.model.weight", "a.weight"],
        optional={"a.weight"},
        shared={},
    )
    assert match.missing == ["a.model.weight"]


def test_names_that_fit_in_two_ways_since_a_tied_one_is_missing_are_refused():
    model = build({"module": {"module": {"weight": None}, "weight": None}, "weight": None})
    model.weight = model.module.module.weight
    weights = Weights({"module.module.module.weight": torch.ones(2), "module.module.weight": torch.zeros(2)})
    with pytest.raises(CheckpointRejected, match="in more than one way, since it lacks names of tied weights"):
        load_weights(model, weights, where="a.pt")
    weights["module.weight"] = weights["module.module.module.weight"]
    load_weights(model, weights, where="a.pt")
    assert torch.equal(model.weight, torch.ones(2))
    assert torch.equal(model.module.weight, torch.zeros(2))


def test_of_many_tied_names_one_is_enough_if_it_is_under_its_own_modules():
    names = [f"model.{number}.weight" for number in range(9)]
    shared = dict.fromkeys(names, names[0])
    assert match_names([f"a.{name}" for name in names], names, shared=shared).is_complete
    assert match_names(["a.model.0.weight"], names, shared=shared).is_complete
    assert not match_names(["module.weight"], names, shared=shared).is_complete
