"""Where Python code reads a value that depends on the model's input."""

import numpy as np
import pytest
import torch

from model_tools.packaging.proof.control_flow import reads_of_inputs


class Model(torch.nn.Module):
    def __init__(self, forward) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(2.0))
        self.register_buffer("table", torch.zeros(4))
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


@torch.jit.script
def scripted(x: torch.Tensor) -> torch.Tensor:
    if bool(x.sum() > 0):
        return x
    return -x


def through_a_buffer(model, x):
    model.table[1:3] = x[0, 1:3]
    return float(model.table.max())


def through_an_operation_on_lists(model, x):
    sums = [torch.zeros(4)]
    torch._foreach_add_(sums, [x[0]])  # writes, and returns nothing
    return bool(sums[0].any())


def through_an_out_argument(model, x):
    result = torch.empty_like(x)
    torch.add(x, 1, out=result)
    return bool(result.any())


@pytest.mark.parametrize(
    "forward",
    [
        lambda model, x: x if x.sum() > 0 else -x,
        lambda model, x: x * int(x.max()),
        lambda model, x: x[:, : x.argmax().item()],
        lambda model, x: torch.tensor(x.tolist()),
        lambda model, x: torch.from_numpy(x.numpy() * 2),
        lambda model, x: torch.from_numpy(np.asarray(x)),
        lambda model, x: 1.0 in x,
        lambda model, x: torch.equal(x, x.flip(0)),
        lambda model, x: [0, 1, 2][(x > 0).sum().clamp(max=2)],
        lambda model, x: bool((model.gain * x.mean()) > 0),
        lambda model, x: bool(torch.zeros(3).add_(x.mean()).any()),
        through_a_buffer,
        through_an_operation_on_lists,
        through_an_out_argument,
    ],
)
def test_a_read_of_what_the_input_decides_is_found(forward):
    places = reads_of_inputs(Model(forward), (torch.ones(2, 4),))
    assert [filename for filename, _ in places.values()] == [__file__]


@pytest.mark.parametrize(
    "forward",
    [
        lambda model, x: x if x.shape[0] > 1 else -x,
        lambda model, x: x.reshape(int(x.shape[0]), -1) * len(x),
        lambda model, x: x * 2 if model.gain > 0 else x,
        lambda model, x: x * float(model.gain.item()),
        lambda model, x: x + torch.arange(4).tolist()[2],
        lambda model, x: scripted(x),
        lambda model, x: torch.where(x.sum() > 0, x, -x),
        lambda model, x: x[x > 0],
    ],
)
def test_sizes_weights_constants_and_scripted_functions_are_not_taken_for_it(forward):
    assert reads_of_inputs(Model(forward), (torch.ones(2, 4),)) == {}
