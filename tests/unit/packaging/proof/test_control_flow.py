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
        pytest.param(lambda model, x: x if x.sum() > 0 else -x, id="branch"),
        pytest.param(lambda model, x: x * int(x.max()), id="int"),
        pytest.param(lambda model, x: x[:, : x.argmax().item()], id="item"),
        pytest.param(lambda model, x: torch.tensor(x.tolist()), id="tolist"),
        pytest.param(lambda model, x: torch.from_numpy(x.numpy() * 2), id="numpy"),
        pytest.param(lambda model, x: torch.from_numpy(np.asarray(x)), id="asarray"),
        pytest.param(lambda model, x: 1.0 in x, id="contains"),
        pytest.param(lambda model, x: torch.equal(x, x.flip(0)), id="equal"),
        pytest.param(lambda model, x: [0, 1, 2][(x > 0).sum().clamp(max=2)], id="index of a list"),
        pytest.param(lambda model, x: bool((model.gain * x.mean()) > 0), id="bool of a mixture"),
        pytest.param(lambda model, x: bool(torch.zeros(3).add_(x.mean()).any()), id="in-place addition"),
        pytest.param(through_a_buffer, id="buffer"),
        pytest.param(through_an_operation_on_lists, id="operation on lists"),
        pytest.param(through_an_out_argument, id="out argument"),
    ],
)
def test_a_read_of_what_the_input_decides_is_found(forward):
    places = reads_of_inputs(Model(forward), (torch.ones(2, 4),))
    assert [filename for filename, _ in places.values()] == [__file__]


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: x if x.shape[0] > 1 else -x, id="size in a branch"),
        pytest.param(lambda model, x: x.reshape(int(x.shape[0]), -1) * len(x), id="size in a shape"),
        pytest.param(lambda model, x: x * 2 if model.gain > 0 else x, id="weight in a branch"),
        pytest.param(lambda model, x: x * float(model.gain.item()), id="weight as a float"),
        pytest.param(lambda model, x: x + torch.arange(4).tolist()[2], id="constant"),
        pytest.param(lambda model, x: scripted(x), id="scripted function"),
        pytest.param(lambda model, x: torch.where(x.sum() > 0, x, -x), id="where"),
        pytest.param(lambda model, x: x[x > 0], id="mask"),
    ],
)
def test_sizes_weights_constants_and_scripted_functions_are_not_taken_for_it(forward):
    assert reads_of_inputs(Model(forward), (torch.ones(2, 4),)) == {}
