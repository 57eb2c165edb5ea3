"""Whether a classifier answers logits or probabilities is told from the values of its answers."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model_tools.errors import ManifestInvalid, TraceFailed
from model_tools.formats.sections import Scores
from model_tools.packaging.proof.model_outputs import observe
from model_tools.tasks.answers import AnsweredCase, AnsweredTensor
from model_tools.tasks.scores import ScoresFound, find_scores

MANY = settings(deadline=None, max_examples=30)
DTYPES = st.sampled_from([torch.float32, torch.float64, torch.float16, torch.bfloat16])


def found(*answers: torch.Tensor, declared: Scores | None = None, last_operator: str = "") -> ScoresFound:
    cases = [
        AnsweredCase("tensor", [AnsweredTensor("", str(answer.dtype), list(answer.shape), observe(answer))], [[1, 4]])
        for answer in answers
    ]
    return find_scores(cases, declared, last_operator=last_operator, otherwise="Publish it without classes.")


@st.composite
def logits(draw: st.DrawFn, least: int = 2) -> torch.Tensor:
    """Draw logits of a few rows that lie well beyond 0 and 1."""
    rows, width, seed = draw(st.integers(1, 6)), draw(st.integers(least, 50)), draw(st.integers(0, 2**31))
    values = torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)) * 8
    assume(bool(values.min() < -0.5) and bool(values.max() > 1.5))
    return values


@MANY
@given(logits(), DTYPES)
def test_any_softmax_is_told_as_probabilities_in_every_precision(values: torch.Tensor, dtype: torch.dtype) -> None:
    assert found(values.to(dtype).softmax(-1)).scores == "probabilities"
    assert found(values.softmax(-1).to(dtype)).scores == "probabilities"
    assert found(values.to(dtype).softmax(-1), declared="probabilities").scores == "probabilities"
    with pytest.raises(ManifestInvalid, match="the model answers probabilities"):
        found(values.to(dtype).softmax(-1), declared="logits")


@MANY
@given(logits(), DTYPES)
def test_any_logits_are_told_as_logits_also_as_logarithms(values: torch.Tensor, dtype: torch.dtype) -> None:
    assert found(values.to(dtype)).scores == "logits"
    assert found(values.log_softmax(-1).to(dtype)).scores == "logits"
    with pytest.raises(ManifestInvalid, match="are none"):
        found(values.to(dtype), declared="probabilities")


@MANY
@given(logits(least=3))
def test_any_sigmoid_of_several_values_is_refused_whatever_is_declared(values: torch.Tensor) -> None:
    answer = values.sigmoid()
    assume(bool((answer.sum(-1) - 1).abs().max() > 0.01))
    with pytest.raises(TraceFailed, match="without classes"):
        found(answer, last_operator="sigmoid")
    with pytest.raises(TraceFailed, match="without classes"):
        found(answer, declared="logits", last_operator="sigmoid")
    with pytest.raises(ManifestInvalid, match="without classes"):
        found(answer, declared="probabilities", last_operator="sigmoid")
    with pytest.raises(TraceFailed, match=r"If they are logits, write scores: logits\."):
        found(answer)


@MANY
@given(logits())
def test_one_case_of_probabilities_does_not_make_the_others_so(values: torch.Tensor) -> None:
    assert found(values.softmax(-1), values).scores == "logits"


@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
def test_a_squashed_value_is_the_probability_of_the_second_class(last: str) -> None:
    assert found(torch.tensor([[0.2], [0.9]]), last_operator=last).scores == "probabilities"
    assert found(torch.tensor([0.2, 0.9]), last_operator=last).scores == "probabilities"


@MANY
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_a_value_from_zero_to_one_is_doubtful_without_a_sigmoid(values: list[float]) -> None:
    answer = torch.tensor(values).unsqueeze(1)
    with pytest.raises(TraceFailed, match="scores: probabilities if forward ends in a sigmoid"):
        found(answer, last_operator="addmm")
    assert found(answer, declared="probabilities").scores == "probabilities"
    assert found(answer, declared="logits").scores == "logits"


def test_values_that_overflow_are_left_out() -> None:
    wide = torch.tensor([[float("inf"), 0.0], [float("nan"), 1.0], [0.25, 0.75]])
    assert found(torch.tensor([[0.5, 0.5]]), wide).scores == "probabilities"
    assert found(torch.full((1, 2), float("nan")), declared=None).scores == "logits"


def test_the_reason_names_the_span_and_the_sums() -> None:
    note = found(torch.tensor([[0.25, 0.75], [0.5, 0.5]])).note
    assert note.startswith("in 1 case all values lie from 0.25 to 0.75, and the 2 values of a row sum to 1: ")
