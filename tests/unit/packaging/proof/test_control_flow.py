"""Where Python code reads a number that depends on the model's input, by its values or by its sizes."""

import contextlib
import logging
import math
from functools import cache

import numpy as np
import pytest
import torch

from model_tools.packaging.proof.control_flow import control_flow


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
        pytest.param(lambda model, x: x if "-" in repr(x) else -x, id="text of a tensor"),
        pytest.param(through_a_buffer, id="buffer"),
        pytest.param(through_an_operation_on_lists, id="operation on lists"),
        pytest.param(through_an_out_argument, id="out argument"),
    ],
)
def test_a_read_of_what_the_inputs_values_decide_is_found(forward):
    places = control_flow(Model(forward).eval(), (torch.ones(2, 4),)).by_values
    assert [filename for filename, _ in places] == [__file__]


def for_each_that_is_found(model, x):
    total = torch.zeros(4)
    for row in x[x[:, 0] > 0]:
        total = total + row
    return total


def in_a_mask_that_is_written(model, x):
    keep = torch.zeros(4, dtype=torch.bool)
    keep[1:3] = x[0, 1:3] > 0
    return x[0] if x[0][keep].shape[0] == 0 else -x[0]


def in_an_encoder_that_skips_padding(model, x):
    layer = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    return torch.nn.TransformerEncoder(layer.eval(), 1).eval()(x[:, None], src_key_padding_mask=x[:, :1] == 0)


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: x if x[x > 0].shape[0] else -x, id="found by a mask"),
        pytest.param(lambda model, x: x * len(x.nonzero()), id="length of what is not zero"),
        pytest.param(lambda model, x: x * x.masked_select(x > 0).numel() if x.unique().numel() > 1 else x, id="numel"),
        pytest.param(lambda model, x: x / int(x.long().unique().size(0)), id="different values"),
        pytest.param(lambda model, x: sum(row for row in x.unique()), id="loop over different values"),
        pytest.param(for_each_that_is_found, id="loop over what is found"),
        pytest.param(lambda model, x: torch.stack(x[x > 0].split(1)), id="parts of what is found"),
        pytest.param(lambda model, x: x * torch.arange(int(x.argmax()) + 1).sum(), id="range up to a value"),
        pytest.param(lambda model, x: x if x[:, : x.argmax()].shape[1] > 1 else -x, id="size of a slice"),
        pytest.param(lambda model, x: x * torch.tensor([x.argmax(), 1]).sum(), id="list of values"),
        pytest.param(in_a_mask_that_is_written, id="mask that is written"),
        pytest.param(in_an_encoder_that_skips_padding, id="encoder that skips padding"),
    ],
)
def test_a_size_that_the_inputs_values_decide_is_found(forward):
    places = control_flow(Model(forward).eval(), (torch.tensor([[1.0, 2.0, -1.0, 3.0]]),)).by_values
    assert {filename for filename, _ in places} == {__file__}


def prints_and_logs(model, x):
    print(  # noqa: T201 (as code does that is being looked into)
        f"{x} of {x.shape} and {len(x)}",
        x.sum().item(),
    )
    logging.getLogger(__name__).warning("the shape is %s, the mean %s", x.shape, x.mean())
    return x


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: x * 2 if model.gain > 0 else x, id="weight in a branch"),
        pytest.param(lambda model, x: x * float(model.gain.item()), id="weight as a float"),
        pytest.param(lambda model, x: x + torch.arange(4).tolist()[2], id="constant"),
        pytest.param(lambda model, x: scripted(x), id="scripted function"),
        pytest.param(lambda model, x: torch.where(x.sum() > 0, x, -x), id="where"),
        pytest.param(lambda model, x: x[x > 0], id="mask"),
        pytest.param(lambda model, x: x[:, : x.argmax()], id="slice up to a value"),
        pytest.param(lambda model, x: x[:, : x.shape[1] // 2], id="slice up to a size"),
        pytest.param(lambda model, x: x.reshape(x.shape[0], -1), id="size in a shape"),
        pytest.param(lambda model, x: torch.zeros(x.shape[0]) + x.sum(), id="size of zeros"),
        pytest.param(lambda model, x: torch.nn.functional.one_hot(x.argmax(1)), id="number of classes"),
        pytest.param(lambda model, x: x * 2 if torch.zeros_like(x).sum() == 0 else x, id="zeros of the same size"),
        pytest.param(prints_and_logs, id="print"),
    ],
)
def test_what_the_trace_holds_is_not_taken_for_it(forward):
    found = control_flow(Model(forward).eval(), (torch.ones(2, 4),))
    assert found.by_values == []
    assert found.by_sizes is None


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: x if x.shape[0] > 1 else -x, id="branch"),
        pytest.param(lambda model, x: x if x.size(0) % 2 else -x, id="rest of a division"),
        pytest.param(lambda model, x: x * len(x), id="len"),
        pytest.param(lambda model, x: x * max(x.shape[0], 3), id="max"),
        pytest.param(lambda model, x: x / math.sqrt(x.shape[0]), id="square root"),
        pytest.param(lambda model, x: x * torch.tensor([x.shape[0], 1]).sum(), id="list of sizes"),
        pytest.param(lambda model, x: sum(x[i] for i in range(x.shape[0])), id="range"),
        pytest.param(lambda model, x: x.roll(x.shape[0] // 2, 0), id="roll"),
    ],
)
def test_a_size_that_is_read_as_a_number_is_found_and_can_be_measured_and_computed(forward):
    found = control_flow(Model(forward).eval(), (torch.ones(2, 4),))
    assert found.by_values == []
    assert {filename for filename, _ in found.by_sizes.places} == {__file__}
    read, inside = found.by_sizes.measure((torch.ones(7, 4),))
    assert [found.by_sizes.compute(0, [inside[index] for index in found.by_sizes.behind[0]])] == read[:1]


TABLE = {2: 3.0}


def made_once_for_each_size(model, x):
    known = model.__dict__.setdefault("known", {})
    size = x.shape[0]
    if size not in known:
        known[size] = torch.arange(size)
    return x * known[size][:, None]


@cache
def places_of(size):
    return torch.arange(size)


@pytest.mark.parametrize(
    ("forward", "decides"),
    [
        pytest.param(lambda model, x: x * 2 if x.shape[0] in {2, 7} else x, True, id="set of sizes"),
        pytest.param(lambda model, x: x * TABLE.get(x.shape[0], 1.0), True, id="dict of sizes"),
        pytest.param(lambda model, x: x if (x.shape[0], 1) in TABLE else -x, True, id="tuple with a size"),
        pytest.param(made_once_for_each_size, False, id="dict that is filled"),
        pytest.param(lambda model, x: x * places_of(x.shape[0])[:, None], False, id="cached function"),
    ],
)
def test_a_size_that_is_looked_up_is_read_unless_what_it_stands_for_is_made_anew(forward, decides):
    found = control_flow(Model(forward).eval(), (torch.ones(2, 4),))
    assert found.by_values == []
    assert (found.by_sizes is not None) is decides


def another_way_if_a_view_fails(model, x):
    try:
        return x.view(3, -1)
    except RuntimeError:
        return x


def another_way_if_a_matrix_is_not_positive(model, x):
    with contextlib.suppress(torch.linalg.LinAlgError):
        return torch.linalg.cholesky(x[:, :2])
    return x


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(another_way_if_a_view_fails, id="shape"),
        pytest.param(another_way_if_a_matrix_is_not_positive, id="values"),
    ],
)
def test_an_error_of_an_operation_that_the_code_catches_is_found(forward):
    caught = control_flow(Model(forward).eval(), (-torch.ones(2, 4),)).caught
    assert [filename for filename, _ in caught] == [__file__]


def test_an_error_of_an_operation_that_the_code_does_not_catch_is_raised():
    with pytest.raises(RuntimeError, match="invalid for input of size 8"):
        control_flow(Model(lambda model, x: x.view(3, -1)), (torch.ones(2, 4),))


def test_a_watch_changes_nothing_that_it_has_watched():
    names = ("tolist", "numpy", "__array__", "__hash__")
    before = [getattr(torch.Tensor, name) for name in names], torch.tensor
    control_flow(Model(lambda model, x: x * len(x)), (torch.ones(2, 4),))
    assert ([getattr(torch.Tensor, name) for name in names], torch.tensor) == before


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: x[torch.arange(2), x.argmax(1)], id="indices"),
        pytest.param(lambda model, x: x.gather(1, x.argsort(1)), id="gather"),
        pytest.param(lambda model, x: torch.nn.functional.one_hot(x.argmax(1), 4), id="given number of classes"),
        pytest.param(lambda model, x: x.repeat_interleave(2, 0), id="equal repetitions"),
        pytest.param(lambda model, x: torch.where(x > 0, x, -x), id="choice"),
    ],
)
def test_values_decide_no_size_where_they_only_choose(forward):
    def reads_size(model, x):
        seen = x[x > 0].sum()  # elsewhere in the model, values do decide a size
        y = forward(model, x)
        return y * 2 + seen if y.shape[0] > 0 else -y

    found = control_flow(Model(reads_size).eval(), (torch.tensor([[1.0, 2.0, -1.0, 3.0], [1.0, -2.0, 1.0, 3.0]]),))
    assert found.by_values == []


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: x[x > 0], id="mask"),
        pytest.param(lambda model, x: x[0, (x[0] > 0).to(torch.uint8)], id="mask of bytes"),
        pytest.param(lambda model, x: torch.nn.functional.one_hot(x.argmax(1)), id="largest class"),
        pytest.param(lambda model, x: x[0].repeat_interleave(x[0].abs().long()), id="repetitions"),
        pytest.param(lambda model, x: torch.where(x > 0)[0], id="where"),
        pytest.param(lambda model, x: x.masked_select(x > 0), id="masked select"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*uint8")
def test_values_decide_a_size_that_is_read(forward):
    def reads_size(model, x):
        y = forward(model, x)
        return y * 2 if y.numel() > 9 else y

    found = control_flow(Model(reads_size).eval(), (torch.tensor([[1.0, 2.0, -1.0, 3.0], [1.0, -2.0, 1.0, 3.0]]),))
    assert {filename for filename, _ in found.by_values} == {__file__}
