"""The one set of weights in what training saves: taken if it is alone, or refused with the line that saves it."""

import numpy as np
import pytest
import torch
from torch.optim.swa_utils import AveragedModel

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weights import load_weights, read_weights
from tests.support.packaging.remedies import follow
from tests.support.packaging.weight_files import assert_same, loaded, refusal, trained


def shifted(state):
    return {key: value + 1 if value.is_floating_point() else value for key, value in state.items()}


SEVERAL = {
    "model and ema": lambda state: {"model": state, "ema": shifted(state)},
    "state_dict and state_dict_ema": lambda state: {"state_dict": state, "state_dict_ema": shifted(state)},
    "averaged below another key": lambda state: {"model": state, "ema": {"decay": 0.9, "shadow": shifted(state)}},
    "averaged as a list": lambda state: {"model": state, "ema": {"shadow_params": list(state.values())}},
    "averaged under a wrapper": lambda state: {
        "state_dict": state, "swa": {f"module.{key}": value for key, value in shifted(state).items()}
    },
    "an earlier state under another key": lambda state: {"model": state, "best": shifted(state)},
    "two usual keys": lambda state: {"model": state, "net": shifted(state)},
    "folds": lambda state: {"models": [state, shifted(state)]},
    "in one mapping": lambda state: {
        **{f"model.{key}": value for key, value in state.items()},
        **{f"ema_model.{key}": value for key, value in shifted(state).items()},
    },
    "teacher and student": lambda state: {"state_dict": {
        **{f"teacher.module.{key}": value for key, value in state.items()},
        **{f"student.{key}": value for key, value in shifted(state).items()},
    }},
}  # fmt: skip


@pytest.mark.parametrize("form", SEVERAL)
def test_several_sets_of_weights_are_refused_with_a_line_that_saves_one(form, tmp_path):
    net = trained()
    message = refusal(SEVERAL[form](net.state_dict()), tmp_path)
    assert "several sets of weights" in message
    model = trained(seed=0)
    load_weights(model, read_weights(follow(message, tmp_path)), where="weights.pt")
    expected = [net.state_dict(), shifted(net.state_dict())]
    assert any(torch.equal(model.head.weight, state["head.weight"]) for state in expected)


@pytest.mark.parametrize(
    "saved",
    [
        pytest.param(lambda state: {"ema": state, "epoch": 2}, id="averaged alone"),
        pytest.param(lambda state: {"generator": state, "step": 2}, id="any key"),
        pytest.param(lambda state: {"model": {"state_dict": state}}, id="key in key"),
        pytest.param(lambda state: {"model": state, "criterion": {"pos_weight": torch.ones(3)}}, id="other tensors"),
        pytest.param(lambda state: {**state, "epoch": 3, "lr": 0.1}, id="numbers among weights"),
        pytest.param(lambda state: {"model": state, "state_dict": state}, id="twice the same"),
        pytest.param(
            lambda state: {
                "state_dict": {f"model.{key}": value for key, value in state.items()},
                "pytorch-lightning_version": "2.5.0", "hyper_parameters": {"lr": 0.1}, "epoch": 1, "global_step": 5,
                "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5),
                                                  "best_k_models": {"/tmp/a.ckpt": torch.tensor(0.5)}}},
                "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(5, 4)}}, "param_groups": []}],
                "lr_schedulers": [],
            },
            id="Lightning",
        ),
    ],
)  # fmt: skip
def test_the_only_set_of_weights_in_a_training_state_is_taken(saved, tmp_path):
    net = trained()
    model, notes = loaded(saved(net.state_dict()), tmp_path)
    assert_same(model, net)
    assert notes


class AttributeDict(dict):
    """A class of training's own, as Lightning keeps hyperparameters in."""


FOREIGN = {
    "Lightning with a class": lambda net: {
        "state_dict": {f"net.{key}": value for key, value in net.state_dict().items()},
        "hyper_parameters": AttributeDict(lr=0.1),
    },
    "a number of numpy": lambda net: {"model": net.state_dict(), "best": np.float64(0.5)},
    "a whole model": lambda net: net,
    "a whole model under a key": lambda net: {"model": net, "ema": None},
    "arrays of numpy": lambda net: {key: value.numpy() for key, value in net.state_dict().items()},
    "weights and a class": lambda net: {**net.state_dict(), "config": AttributeDict()},
}


@pytest.mark.parametrize("form", FOREIGN)
@pytest.mark.parametrize("zipped", [pytest.param(True, id="zip"), pytest.param(False, id="before torch 1.6")])
def test_a_pickle_of_other_objects_is_refused_with_the_line_that_saves_its_weights(form, zipped, tmp_path):
    net = trained()
    torch.save(FOREIGN[form](net), tmp_path / "last.ckpt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointRejected) as caught:
        read_weights(tmp_path / "last.ckpt")
    assert "only on a file of your own" in str(caught.value)
    model = trained(seed=0)
    load_weights(model, read_weights(follow(str(caught.value), tmp_path)), where="weights.pt")
    assert_same(model, net)


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        pytest.param(lambda net: {"model": net, "ema": net}, "under ['ema'] as well", id="whole models"),
        pytest.param(
            lambda net: {"state_dict": net.state_dict(), "best": AveragedModel(net).state_dict(), "a": AttributeDict()},
            "under ['best'] as well", id="versions of the same weights",
        ),
        pytest.param(
            lambda net: {"ema": {"shadow": net.state_dict()}, "model": net}, "under ['ema']['shadow'] as well",
            id="averaged weights beside a whole model",
        ),
    ],
)  # fmt: skip
def test_the_line_for_a_pickle_says_so_if_it_holds_several_sets_of_weights(saved, told, tmp_path):
    torch.save(saved(trained()), tmp_path / "a.pt")
    with pytest.raises(CheckpointRejected) as caught:
        read_weights(tmp_path / "a.pt")
    assert told in str(caught.value)


def test_the_line_for_a_pickle_leaves_scores_and_optimisers_alone(tmp_path):
    net = trained()
    optimizer = torch.optim.SGD(net.parameters(), momentum=0.9)
    saved = {"state_dict": net.state_dict(), "optimizer": optimizer.state_dict(), "config": AttributeDict(),
             "callbacks": {"best_k_models": {"a.ckpt": torch.tensor(0.5)}}}  # fmt: skip
    torch.save(saved, tmp_path / "a.pt")
    with pytest.raises(CheckpointRejected) as caught:
        read_weights(tmp_path / "a.pt")
    assert "['state_dict'], 'weights.pt')`" in str(caught.value)
    assert "as well" not in str(caught.value)


def test_weights_beside_those_of_the_architecture_are_refused_with_the_line_that_leaves_them_out(tmp_path):
    net = trained()
    saved = {"state_dict": {f"model.{key}": value for key, value in net.state_dict().items()}}
    saved["state_dict"]["criterion.weight"] = torch.ones(2)
    message = refusal(saved, tmp_path)
    assert "beside them there is criterion.weight" in message
    model = trained(seed=0)
    load_weights(model, read_weights(follow(message, tmp_path)), where="weights.pt")
    assert_same(model, net)
