"""A small net, and what training saves of it: saved, read and loaded as publishing does."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.weights import load_weights, read_weights, refuse_non_finite

INPUTS = torch.linspace(-1, 1, 12).reshape(3, 4)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU())
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.body(x))


class Tied(nn.Module):
    def __init__(self, *, tie: bool = True) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Embedding(6, 4))
        self.head = nn.Linear(4, 6, bias=False)
        if tie:
            self.head.weight = self.model[0].weight

    def forward(self, x):
        return self.head(self.model(x))


def trained(make=Net, seed: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return make().eval()


def loaded(saved: object, tmp_path, model: nn.Module | None = None, name: str = "a.pt") -> tuple[nn.Module, list[str]]:
    """Save as training does, read and load as publishing does."""
    if name.endswith(".safetensors"):
        save_file(saved, tmp_path / name)
    else:
        torch.save(saved, tmp_path / name)
    model = trained(seed=0) if model is None else model
    weights = read_weights(tmp_path / name)
    refuse_non_finite(weights)
    return model, load_weights(model, weights, where=name)


def refusal(saved: object, tmp_path, model: nn.Module | None = None, name: str = "a.pt") -> str:
    with pytest.raises(CheckpointRejected) as caught:
        loaded(saved, tmp_path, model, name)
    return str(caught.value)


def assert_same(model: nn.Module, original: nn.Module, inputs: torch.Tensor = INPUTS) -> None:
    with torch.no_grad():
        assert torch.equal(model.eval()(inputs), original.eval()(inputs))
