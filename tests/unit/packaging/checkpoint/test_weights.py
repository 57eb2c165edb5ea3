"""Weights in the forms in which training loops save them."""

import pytest
import torch

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weight_sets import find_weights
from model_tools.packaging.checkpoint.weights import load_weights, read_weights

STATE = {"0.weight": torch.full((2, 3), 5.0), "0.bias": torch.ones(2)}


def model() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(3, 2))


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize(
    "prefix", [pytest.param("", id="no prefix"), "module.", "_orig_mod.", "module._orig_mod.", "net."]
)
def test_wrappers_around_the_weights_are_taken_off(tmp_path, key, prefix):
    saved = {"epoch": 3, "optimizer": {"lr": 0.1}, key: {f"{prefix}{name}": value for name, value in STATE.items()}}
    torch.save(saved, tmp_path / "a.pt")
    filled = model()
    load_weights(filled, read_weights(tmp_path / "a.pt"), where="a.pt")
    assert torch.equal(filled[0].weight, STATE["0.weight"])


def test_a_prefix_that_the_architecture_has_itself_stays():
    wrapped = torch.nn.Module()
    wrapped.module = model()
    load_weights(wrapped, {f"module.{name}": value.clone() for name, value in STATE.items()}, where="a.pt")
    assert torch.equal(wrapped.module[0].weight, STATE["0.weight"])


def test_weights_saved_before_torch_1_6_are_read(tmp_path):
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert torch.equal(read_weights(tmp_path / "old.pth")["0.bias"], STATE["0.bias"])


@pytest.mark.parametrize(
    ("saved", "told"),
    [
        pytest.param(
            {"epoch": 3, "losses": [1.0]}, "holds no weights under its keys ('epoch', 'losses')", id="training state"
        ),
        pytest.param([torch.ones(1)], "holds a list, no weights", id="list"),
        pytest.param(
            {"state_dict": {1: torch.ones(1)}}, "holds no weights under its keys ('state_dict')", id="numbered keys"
        ),
    ],
)
def test_what_holds_no_weights_is_refused_with_what_it_holds(saved, told):
    with pytest.raises(CheckpointRejected) as caught:
        find_weights(saved, "a.pt")
    assert told in str(caught.value)


def test_only_the_first_few_names_are_told():
    with pytest.raises(
        CheckpointRejected, match=r"extra.0, extra.1, extra.2, extra.3, extra.4 and 15 more, which the arch"
    ):
        load_weights(model(), {**STATE, **{f"extra.{number}": torch.ones(1) for number in range(20)}}, where="a.pt")


class Bomb:
    def __init__(self, target) -> None:
        self.target = target

    def __reduce__(self):
        return open, (str(self.target), "w")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_wants_more_than_weights_is_named_and_runs_nothing(tmp_path, zipped):
    torch.save({**STATE, "hook": Bomb(tmp_path / "ran")}, tmp_path / "a.pt", _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointRejected, match=r"a pickle that wants (builtins|io|_io).open, more than weights"):
        read_weights(tmp_path / "a.pt")
    assert not (tmp_path / "ran").exists()


def test_a_damaged_pickle_is_refused(tmp_path):
    torch.save(STATE, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "cut.pth").write_bytes((tmp_path / "old.pth").read_bytes()[:200])
    with pytest.raises(CheckpointRejected):
        read_weights(tmp_path / "cut.pth")
