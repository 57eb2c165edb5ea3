"""Where Python code reads a number that depends on the model's input, by its values or by its sizes."""

# ruff: noqa: T201 (models print what they are given)
import functools
import linecache
import logging
import math

import numpy as np
import pytest
import torch

from model_tools.errors import TraceFailed
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
        pytest.param(lambda model, x: x if repr(x.mean()) else -x, id="print"),
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


TWO_GAINS = {2: 1.0, 3: 2.0}


@functools.lru_cache(maxsize=2)
def remembered_ones(size):
    return torch.ones(size, 1)


def in_a_memory_of_its_own(model, x):
    rows, memory = x.shape[0], {}
    if rows not in memory:
        memory[rows] = torch.ones(rows, 1)
    return x * memory[rows]


def in_a_set_before_it_is_a_shape(model, x):
    rows = x.shape[0]
    known = rows in {5, 6}
    return (-x if known else x).view(rows, 2, 2) + torch.zeros(rows, 1, 1)


def as_an_exception(model, x):
    try:
        return x * TWO_GAINS[x.shape[0]]
    except KeyError:
        return x


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: -x if x.shape[0] in {5, 7} else x, id="member of a set"),
        pytest.param(lambda model, x: x * TWO_GAINS.get(x.shape[0], 3.0), id="value of a dict"),
        pytest.param(lambda model, x: -x if (x.shape[0], 4) in {(5, 4), (6, 4)} else x, id="member with another"),
        pytest.param(lambda model, x: x * len({x.shape[0], 5}), id="set that is made"),
        pytest.param(as_an_exception, id="key that is missing"),
        pytest.param(in_a_memory_of_its_own, id="memory"),
        pytest.param(lambda model, x: -x if str(x.shape[0]) == "5" else x, id="text"),
        pytest.param(lambda model, x: -x if f"{x.shape[0]!r}" == "5" else x, id="representation"),
        pytest.param(lambda model, x: -x if f"{x.shape[0]}" == "5" else x, id="text in braces"),
    ],
)
def test_a_size_that_is_looked_up_or_made_a_text_is_read(forward):
    found = control_flow(Model(forward).eval(), (torch.ones(2, 4),))
    assert found.by_values == []
    assert {filename for filename, _ in found.by_sizes.places} == {__file__}
    assert set(found.by_sizes.measure((torch.ones(7, 4),))[0]) <= {7, 4}


@pytest.mark.parametrize(
    ("forward", "numbers"),
    [
        pytest.param(lambda model, x: x * torch.numel(x), [28], id="numel"),
        pytest.param(lambda model, x: x * len(x.unbind(0)), [7], id="unbind"),
        pytest.param(lambda model, x: x * len(torch.unbind(x)), [7], id="function unbind"),
        pytest.param(lambda model, x: x * len(x.split(2)), [4], id="split"),
        pytest.param(lambda model, x: x * len(torch.split(x, split_size_or_sections=3)), [3], id="function split"),
        pytest.param(lambda model, x: x * len(x.chunk(3)), [3], id="chunk"),
        pytest.param(lambda model, x: x * len(torch.chunk(input=x, chunks=4, dim=0)), [4], id="function chunk"),
        pytest.param(lambda model, x: sum(row for row in x), [7], id="loop over rows"),
        pytest.param(lambda model, x: x * sum(1 for _ in enumerate(x)), [7], id="enumerate"),
        pytest.param(lambda model, x: x * x.T.contiguous().stride(0), [7], id="stride"),
        pytest.param(lambda model, x: x if x.is_same_size(torch.zeros(5, 4)) else -x, [False], id="same size"),
        pytest.param(lambda model, x: x if torch.is_same_size(x, torch.zeros(7, 4)) else -x, [True], id="as zeros"),
    ],
)
def test_a_size_that_torch_tells_past_the_tracer_is_read(forward, numbers):
    found = control_flow(Model(forward).eval(), (torch.ones(2, 4),))
    assert found.by_values == []
    assert {filename for filename, _ in found.by_sizes.places} == {__file__}
    assert found.by_sizes.measure((torch.ones(7, 4),))[0] == numbers


def test_parts_of_given_sizes_are_no_read():
    assert control_flow(Model(lambda model, x: x.split([1, 3], 1)[0]), (torch.ones(2, 4),)).by_sizes is None


def test_an_error_that_forward_catches_is_told_as_what_ends_the_trace():
    with pytest.raises(TraceFailed, match="forward catches an error"):
        control_flow(Model(as_an_error), (torch.ones(2, 4),))


def as_an_error(model, x):
    try:
        return x + torch.ones(3)
    except RuntimeError:
        return x


def test_a_size_that_is_looked_up_and_becomes_a_shape_is_named_where_it_is_looked_up():
    found = control_flow(Model(in_a_set_before_it_is_a_shape).eval(), (torch.ones(2, 4),))
    ((filename, line),) = found.by_sizes.places
    assert linecache.getline(filename, line).strip() == "known = rows in {5, 6}"


def logs_its_sizes(model, x):
    logging.getLogger("net").info("rows: %s, %d", x.shape[0], x.shape[1])
    return x


def prints(model, x):
    print(x.shape, x.shape[0], x.argmax())
    print(
        f"rows: {x.shape[0]:>4}",
        x.mean(),
    )
    return x


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(prints, id="prints"),
        pytest.param(logs_its_sizes, id="logs"),
        pytest.param(lambda model, x: x @ torch.ones(4, 1) + remembered_ones(x.shape[0]), id="function that remembers"),
        pytest.param(lambda model, x: {"answer": x}["answer"], id="dict of tensors"),
    ],
)
def test_what_is_printed_logged_or_remembered_decides_nothing(forward, caplog):
    caplog.set_level(logging.INFO)
    found = control_flow(Model(forward).eval(), (torch.ones(2, 4),))
    assert found.by_values == []
    assert found.by_sizes is None


@pytest.mark.parametrize(
    "forward",
    [
        pytest.param(lambda model, x: x if x.mean().item() > 0 else print("negative") or -x, id="branch beside print"),
        pytest.param(lambda model, x: x * (print(rows := int(x.argmax())) or rows), id="variable that print sets"),
        pytest.param(lambda model, x: x if print(x) or x.sum() > 0 else -x, id="branch after print"),
    ],
)
def test_a_decision_is_found_beside_what_is_printed(forward):
    assert control_flow(Model(forward).eval(), (torch.ones(2, 4),)).by_values


def test_a_watch_changes_nothing_that_it_has_watched():
    names = ("tolist", "numpy", "__array__", "__hash__", "__repr__", "stride", "split", "unbind")
    before = [getattr(torch.Tensor, name) for name in names], torch.tensor
    control_flow(Model(lambda model, x: x * len(x)), (torch.ones(2, 4),))
    assert ([getattr(torch.Tensor, name) for name in names], torch.tensor) == before
