"""How far a traced answer may be from the eager one, and what is said when it is farther."""

import pytest
import torch

from model_tools.errors import ParityFailed
from model_tools.packaging.proof.cases import Case
from model_tools.packaging.proof.messages import Difference
from model_tools.packaging.proof.parity_worker import compare
from model_tools.packaging.proof.tolerance import refuse_differences

TRACED = Case(seed=1, spread="usual", shapes=[[2, 4]])
SAME_SIZE = Case(seed=101, spread="usual", shapes=[[2, 4]])
OTHER_SIZE = Case(seed=401, spread="usual", shapes=[[1, 4]])
FINE = Difference(max_abs=0, max_rel=0, excess=0)
OFF = Difference(max_abs=0.5, max_rel=0.1, excess=70.0)


def excess(traced, eager, usual_scale: float = 1.0, dtype=torch.float32) -> float | None:
    return compare(torch.tensor(traced, dtype=dtype), torch.tensor(eager, dtype=dtype), usual_scale=usual_scale).excess


def test_roundings_pass_and_real_differences_do_not():
    assert excess([1.0, 2.0], [1.0, 2.00001]) < 1
    assert excess([1.0, 2.0], [1.0, 2.001]) > 1
    assert excess([1.0, 2.0], [1.0, 2.001], dtype=torch.float64) > 1
    assert excess([1.0, 2.0], [1.0, 2.01], dtype=torch.bfloat16) < 1


def test_small_answers_are_measured_by_their_own_scale():
    assert excess([1e-4], [1.5e-4], usual_scale=1e-4) > 1
    assert excess([1e-4], [1.1e-4], usual_scale=1000.0) < 1  # cancelled out, beside answers of a thousand


def test_integers_and_booleans_must_be_equal():
    assert excess([1, 2], [1, 2], dtype=torch.int64) == 0
    assert excess([1, 2], [1, 3], dtype=torch.int64) > 1
    assert excess([True], [False], dtype=torch.bool) > 1


def test_overflow_must_happen_in_the_same_places():
    inf, nan = float("inf"), float("nan")
    assert excess([inf, nan, 1.0], [inf, nan, 1.0]) == 0
    assert excess([inf, 1.0], [-inf, 1.0]) is None
    assert excess([inf, 1.0], [3.0, 1.0]) is None
    assert excess([3.0], [nan]) is None


def test_another_shape_or_dtype_is_a_problem_in_words():
    assert "of shape [1, 2]" in compare(torch.ones(1, 2), torch.ones(2), usual_scale=1.0).problem
    assert "torch.float64" in compare(torch.ones(2).double(), torch.ones(2), usual_scale=1.0).problem
    assert compare(torch.ones(0), torch.ones(0), usual_scale=1.0).excess == 0


def test_agreement_is_not_refused():
    refuse_differences([SAME_SIZE, OTHER_SIZE], [FINE, FINE], traced=TRACED)


def test_a_difference_is_told_with_its_input_and_size():
    with pytest.raises(
        ParityFailed, match=r"1 of 2 inputs .* seed 101 \(usual, 2x4\) the largest difference is 0.5 .*70 times"
    ):
        refuse_differences([SAME_SIZE, OTHER_SIZE], [OFF, FINE], traced=TRACED)


def test_failures_at_other_sizes_alone_mean_a_baked_in_size():
    with pytest.raises(ParityFailed, match=r"not for seed 401 \(usual, 1x4\): it fails.*A size is baked in"):
        refuse_differences([SAME_SIZE, OTHER_SIZE], [FINE, Difference(problem="it fails")], traced=TRACED)


def test_nan_is_never_agreement():
    with pytest.raises(ParityFailed):
        refuse_differences([SAME_SIZE], [Difference(max_abs=0, max_rel=0, excess=float("nan"))], traced=TRACED)
