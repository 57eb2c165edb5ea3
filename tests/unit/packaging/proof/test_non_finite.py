"""What is said of answers that JSON cannot say."""

import math

import pytest
import torch

from model_tools.errors import ParityFailed
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.model_outputs import take_apart
from model_tools.packaging.proof.non_finite import refuse_non_finite_answer

CASE = Case(seed=101, spread="usual", shapes=[[2, 4]])


def message(answer: object) -> str:
    with pytest.raises(ParityFailed) as caught:
        refuse_non_finite_answer(take_apart(answer), CASE)
    assert "diverged" not in str(caught.value)
    return str(caught.value)


def test_a_class_that_is_masked_with_infinity_is_named_with_the_remedy():
    told = message(torch.tensor([[1.0, 2.0, -math.inf], [3.0, 4.0, -math.inf]]))
    assert told.startswith(
        "The model answers -inf in its output at [0, 2] (in every row, at index 2 of the last axis, counted from 0, "
        "and nowhere else) to seed 101 (usual, 2x4)."
    )
    assert "mask with a finite number instead, such as -1e9 or torch.finfo(scores.dtype).min" in told


def test_values_that_are_masked_here_and_there_are_counted():
    told = message({"boxes": torch.ones(2), "scores": torch.tensor([[1.0, -math.inf], [-math.inf, 2.0]])})
    assert "-inf in output scores at [0, 1] (2 of 4 values)" in told


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(math.nan, "NaN comes from 0/0", id="NaN"),
        pytest.param(math.inf, "Something overflows or is divided by 0", id="infinity"),
    ],
)
def test_each_kind_has_a_reason_of_its_own(value, reason):
    told = message(torch.tensor([1.0, value]))
    assert "at [1] (1 of 2 values)" in told
    assert reason in told
    assert "inputs: range" in told


def test_many_masked_classes_are_not_listed():
    told = message(torch.full((2, 50), -math.inf))
    assert "at index 0, 1, 2, 3, 4, … of the last axis" in told


@pytest.mark.parametrize(
    "answer", [torch.ones(2, 3), torch.tensor([1, 2]), torch.tensor([True]), torch.ones(0, 3), torch.tensor(1.0)],
    ids=["floats", "integers", "booleans", "nothing", "scalar"],
)  # fmt: skip
def test_finite_answers_are_accepted(answer):
    refuse_non_finite_answer(take_apart(answer), CASE)


def test_a_scalar_is_named_without_a_place():
    assert "-inf in its output to seed 101" in message(torch.tensor(-math.inf))
