"""How far a traced answer may be from the trained one, and what is said when it is farther."""

from collections.abc import Sequence

import pytest
import torch

from model_tools.errors import ParityFailed
from model_tools.formats.sections import Optimize
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.comparison import compare
from model_tools.packaging.proof.messages import Difference, WorstValue
from model_tools.packaging.proof.scales import UsualScales
from model_tools.packaging.proof.tolerance import refuse_differences, refuse_quantized, tolerance_of
from model_tools.tensors.dtypes import DTYPE_NAMES

TRACED = Case(seed=1, spread="usual", shapes=[[2, 4]])
SAME_SIZE = Case(seed=101, spread="usual", shapes=[[2, 4]])
OTHER_SIZE = Case(seed=401, spread="usual", shapes=[[1, 4]])
FINE = Difference(max_abs=0, max_rel=0, excess=0)
WORST = WorstValue(output="scores", index=[0, 2], expected=1.5, found=2.0, allowed=0.001)
OFF = Difference(max_abs=0.5, max_rel=0.1, excess=70.0, worst=WORST)


def compared(traced: torch.Tensor, trained: torch.Tensor, usual: Sequence[torch.Tensor] = ()) -> Difference:
    tolerance = tolerance_of(DTYPE_NAMES[trained.dtype])
    return compare(traced, trained, usual=UsualScales(usual), tolerance=tolerance, name="scores")


def excess(traced: list, trained: list, dtype: torch.dtype = torch.float32) -> float | None:
    return compared(torch.tensor(traced, dtype=dtype), torch.tensor(trained, dtype=dtype)).excess


def test_roundings_pass_and_real_differences_do_not():
    assert excess([1.0, 2.0], [1.0, 2.00001]) < 1
    assert excess([1.0, 2.0], [1.0, 2.001]) > 1
    assert excess([1.0, 2.0], [1.0, 2.001], torch.float64) > 1
    assert excess([1.0, 2.0], [1.0, 2.01], torch.bfloat16) < 1


def test_integers_and_booleans_must_be_equal():
    assert excess([1, 2], [1, 2], torch.int64) == 0
    assert excess([1, 2], [1, 3], torch.int64) > 1
    assert excess([2**60], [2**60 + 1], torch.int64) > 1
    assert excess([True], [False], torch.bool) > 1


def test_overflow_must_happen_in_the_same_places():
    inf, nan = float("inf"), float("nan")
    assert excess([inf, nan, 1.0], [inf, nan, 1.0]) == 0
    assert excess([inf, 1.0], [-inf, 1.0]) is None
    assert excess([inf, 1.0], [3.0, 1.0]) is None
    assert excess([3.0], [nan]) is None
    found = compared(torch.tensor([[1.0, nan]]), torch.tensor([[1.0, 2.0]]))
    assert found.problem == "it answers nan in output scores at [0, 1], where the trained one answers 2"


def test_another_shape_or_dtype_is_a_problem_in_words():
    assert "of shape [1, 2] in output scores" in compared(torch.ones(1, 2), torch.ones(2)).problem
    assert "torch.float64" in compared(torch.ones(2).double(), torch.ones(2)).problem
    assert compared(torch.ones(0), torch.ones(0)).excess == 0


def test_the_worst_value_is_named_with_its_place():
    trained = torch.tensor([[1.0, 2.0], [3.0, -4.0]])
    traced = trained + torch.tensor([[0.0, 0.001], [0.0, 0.5]])
    worst = compared(traced, trained).worst
    assert (worst.output, worst.index, worst.expected, worst.found) == ("scores", [1, 1], -4.0, -3.5)
    assert 1e-4 < worst.allowed < 1e-3


def test_agreement_is_not_refused():
    refuse_differences([SAME_SIZE, OTHER_SIZE], [FINE, FINE], traced=TRACED)


def test_a_difference_is_told_with_its_input_its_place_and_what_is_allowed():
    with pytest.raises(ParityFailed) as caught:
        refuse_differences([SAME_SIZE, OTHER_SIZE], [OFF, FINE], traced=TRACED)
    assert (
        "1 of 2 inputs otherwise than the trained one; for seed 101 (usual, 2x4) output scores is 2 at [0, 2] instead "
        "of 1.5, and at most 0.001 apart is allowed there. Look in forward"
    ) in str(caught.value)


def test_failures_at_other_sizes_alone_mean_a_baked_in_size():
    with pytest.raises(ParityFailed, match=r"not for seed 401 \(usual, 1x4\): it fails.*A size is baked in"):
        refuse_differences([SAME_SIZE, OTHER_SIZE], [FINE, Difference(problem="it fails")], traced=TRACED)


@pytest.mark.parametrize(
    ("problem", "sizes_read", "remedy"),
    [
        pytest.param("Expected 3 elements in a list but found 1", (), "compute with the whole tensor", id="parts"),
        pytest.param("Expected chunk to return at least 4 outputs, but got only 3", (), "whole tensor", id="chunks"),
        pytest.param("shape '[3]' is invalid for input of size 1", (), "v.expand_as(y[:, 2])", id="part that is set"),
        pytest.param("shape '[3]' is invalid", ("(net.py, line 3: `if n:`)",), "torch.jit.script", id="branch"),
    ],
)
def test_the_remedy_for_a_baked_in_size_is_that_of_its_cause(problem, sizes_read, remedy):
    with pytest.raises(ParityFailed) as caught:
        refuse_differences([OTHER_SIZE], [Difference(problem=problem)], traced=TRACED, sizes_read=sizes_read)
    assert remedy in str(caught.value)
    assert all(place in str(caught.value) for place in sizes_read)


def test_a_quantised_model_is_told_its_worst_value_and_the_share_that_is_tolerated():
    with pytest.raises(ParityFailed) as caught:
        refuse_quantized([SAME_SIZE], [OFF], Optimize(quantize="dynamic-int8"))
    assert "for seed 101 (usual, 2x4) output scores is 2 at [0, 2] instead of 1.5" in str(caught.value)
    assert "off by 0.1 of the magnitude that is usual there, 0.05 is tolerated" in str(caught.value)


def test_nan_is_never_agreement():
    with pytest.raises(ParityFailed):
        refuse_differences([SAME_SIZE], [Difference(max_abs=0, max_rel=0, excess=float("nan"))], traced=TRACED)


def test_the_worst_value_is_found_wherever_it_lies_in_a_large_answer():
    trained = torch.ones(3, 5, 9000)
    for place in ([0, 0, 0], [1, 2, 7321], [2, 4, 8999]):
        traced = trained.clone()
        traced[0, 1, 5] = 1.001
        traced[tuple(place)] = 1.5
        found = compared(traced, trained)
        assert (found.max_abs, found.max_rel, found.worst.index, found.worst.found) == (0.5, 0.5, place, 1.5)
        traced[tuple(place)] = float("nan")
        assert f"nan in output scores at {place}, where" in compared(traced, trained).problem
