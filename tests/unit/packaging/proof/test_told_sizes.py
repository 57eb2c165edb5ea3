"""Where Python learns a size without an operation of torch, and where it only prints one."""

# ruff: noqa: T201 (models print what they are given)
import functools
import linecache
import logging

import pytest
import torch

from model_tools.packaging.proof.control_flow import control_flow


class Model(torch.nn.Module):
    def __init__(self, forward) -> None:
        super().__init__()
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


TWO_GAINS = {2: 1.0, 3: 2.0}


@functools.lru_cache(maxsize=2)
def remembered_ones(size):
    return torch.ones(size, 1)


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
        pytest.param(lambda model, x: -x if str(x.shape[0]) == "5" else x, id="text"),
        pytest.param(lambda model, x: -x if f"{x.shape[0]!r}" == "5" else x, id="representation"),
        pytest.param(lambda model, x: -x if f"{x.shape[0]}" == "5" else x, id="text in braces"),
    ],
)
def test_a_size_that_is_looked_up_or_made_a_text_is_read(forward):
    found = control_flow(Model(forward).eval(), (torch.ones(2, 4),))
    assert found.by_values == []
    assert {filename for filename, _ in found.by_sizes.places} == {__file__}
    assert {7, 4} & set(found.by_sizes.measure((torch.ones(7, 4),))[0])


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
