"""Rows alone and together, texts and padded texts, and targets with other tokens after a position."""

import pytest
import torch

from model_tools.packaging.proof.messages import RowsJob
from model_tools.packaging.proof.rows import prove_rows

ROWS = [
    (torch.randn(2, 3, generator=torch.Generator().manual_seed(1)),),
    (torch.ones(4, 3) * torch.arange(4)[:, None],),
]
TEXTS = [(torch.tensor([[3, 4, 5, 6], [0, 7, 0, 8]]),), (torch.tensor([[1, 2, 3, 4, 5, 6]]),)]


def prove(job, cases, model):
    def same(found, wanted):
        return all(
            one.shape == other.shape and torch.allclose(one, other) for one, other in zip(found, wanted, strict=True)
        )

    return prove_rows(job, cases, lambda inputs: [model(*inputs)], same)


@pytest.mark.parametrize(
    ("model", "independent"),
    [
        pytest.param(lambda x: x * 2, True, id="each row alone"),
        pytest.param(lambda x: x - x.mean(1, keepdim=True), True, id="mean of each row"),
        pytest.param(lambda x: x - x.mean(0), False, id="mean of the batch"),
        pytest.param(lambda x: x.sort(0).values, False, id="sorted rows"),
        pytest.param(lambda x: x + x.shape[0], False, id="number of rows"),
        pytest.param(lambda x: x.sum(), False, id="one number for all"),
        pytest.param(lambda x: x.repeat(2, 1), False, id="two rows for each"),
        pytest.param(lambda x: x[:, : max(1, int((x > 0).sum(1).max()))], False, id="as long as the longest row"),
        pytest.param(lambda x: torch.nn.functional.one_hot(x.abs().long()[:, 0]), False, id="as wide as the largest"),
    ],
)
def test_rows_are_independent_if_they_are_answered_alone_as_together(model, independent):
    assert prove(RowsJob(fewest_rows=1, padding=None), ROWS, model).independent is independent


def test_a_model_that_takes_several_rows_at_least_is_asked_for_as_many():
    asked = []
    prove(RowsJob(fewest_rows=2, padding=None), ROWS, lambda x: asked.append(len(x)) or x)
    assert asked == [4, 2, 2]


def test_a_model_that_is_never_asked_for_several_rows_is_not_compared():
    found = prove(RowsJob(fewest_rows=1, padding=None), [(torch.ones(1, 3),)], lambda x: x.sum())
    assert found.independent is None


@pytest.mark.parametrize(
    ("model", "ignores"),
    [
        pytest.param(lambda ids: (ids * (ids != 0)).sum(1), True, id="sum without padding"),
        pytest.param(lambda ids: ids.float().mean(1), False, id="mean with padding"),
        pytest.param(lambda ids: ids[:, -1], False, id="last token"),
        pytest.param(lambda ids: ids[:, 0], True, id="first token"),
        pytest.param(lambda ids: ids.sum(1) * ((ids == 0).sum(1) < 4), False, id="much padding"),
    ],
)
def test_padding_is_ignored_if_a_padded_text_is_answered_as_the_text(model, ignores):
    found = prove(RowsJob(fewest_rows=None, padding=0, no_padding=1), TEXTS, model)
    assert (found.independent, found.ignores_padding) == (None, ignores)


def test_texts_that_cannot_be_longer_are_not_padded():
    found = prove(RowsJob(fewest_rows=None, padding=0, fewest_tokens=6), TEXTS, lambda ids: ids.float().mean(1))
    assert found.ignores_padding is None


@pytest.mark.parametrize(
    ("model", "causal"),
    [
        pytest.param(lambda source, target: target.cumsum(1), True, id="up to the position"),
        pytest.param(lambda source, target: target.flip(1).cumsum(1).flip(1), False, id="from the position on"),
    ],
)
def test_logits_are_causal_if_later_tokens_do_not_change_them(model, causal):
    cases = [(torch.ones(2, 3), torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]]))]
    assert prove(RowsJob(fewest_rows=None, padding=None, fewest_targets=2), cases, model).causal is causal


def test_of_many_cases_those_with_many_rows_and_with_long_rows_are_asked_but_not_the_largest():
    sizes = [(2, 3), (16, 128), (16, 1), (2, 128), (3, 25), (11, 39), (9, 3)]
    asked = set()

    def model(x):
        asked.add(tuple(x.shape))
        return x * 2

    job = RowsJob(fewest_rows=1, padding=None)
    assert prove(job, [(torch.ones(size),) for size in sizes], model).independent
    assert {size for size in asked if size[0] > 1} == {(2, 3), (16, 1), (2, 128), (11, 39)}


def test_the_largest_case_is_asked_if_no_other_has_as_many_rows():
    asked = []

    def model(x):
        asked.append(len(x))
        return x * 2

    prove(RowsJob(fewest_rows=1, padding=None), [(torch.ones(rows, 4),) for rows in (2, 3, 7, 16)], model)
    assert 16 in asked
