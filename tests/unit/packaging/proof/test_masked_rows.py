"""Rows of masks and ids that hold one number throughout."""

import pytest
import torch

from model_tools.formats.sections import InputSpec
from model_tools.packaging.proof.masked_rows import filled_rows

FLOATS = InputSpec(shape=["batch", 2])
MASK = InputSpec(shape=["batch", 3], dtype="bool")
IDS = InputSpec(shape=["batch", 3], dtype="int64", range=(2, 9))


def test_a_row_of_nothing_but_the_smallest_or_the_largest_number_gets_another_one():
    mask = torch.tensor([[0, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=torch.bool)
    (some, _), (others, told) = filled_rows((torch.zeros(3, 2), mask), (FLOATS, MASK))
    assert some[1].int().tolist() == [[1, 0, 0], [0, 1, 0], [1, 1, 1]]
    assert others[1].int().tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert "inputs.1 with nothing but 1" in told


def test_ids_are_filled_within_their_range():
    ((filled,), told), *rest = filled_rows((torch.tensor([[2, 2, 2], [2, 5, 2]]),), (IDS,))
    assert (filled.tolist(), rest) == ([[3, 2, 2], [2, 5, 2]], [])
    assert "inputs.0 with nothing but 2" in told


@pytest.mark.parametrize(
    ("tensor", "spec"),
    [
        pytest.param(torch.zeros(2, 3), FLOATS, id="floats"),
        pytest.param(torch.tensor([2, 2]), IDS, id="no rows"),
        pytest.param(torch.tensor([[2, 3, 2]]), IDS, id="nothing masked"),
        pytest.param(torch.tensor([[2, 2]]), IDS.model_copy(update={"range": (2, 2)}), id="one number"),
        pytest.param(torch.zeros(2, 0, dtype=torch.int64), IDS, id="empty rows"),
    ],
)
def test_other_inputs_are_left_alone(tensor, spec):
    assert list(filled_rows((tensor,), (spec,))) == []
