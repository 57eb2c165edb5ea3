import itertools
import math

import pytest
import torch

from model_tools.serving.text.beam_search import Hypothesis, Logits, search

BEGIN, END = 0, 1


def by_prefix(seed: int, vocabulary: int) -> tuple[Logits, list[int]]:
    """Return logits that depend on all that was written before, and the rows of each call."""
    calls: list[int] = []

    def logits(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        calls.append(len(target))
        rows = []
        for row, start in zip(target.tolist(), source[:, 0].tolist(), strict=True):
            generator = torch.Generator().manual_seed(hash((seed, start, *row)) % 2**31)
            rows.append(torch.randn(vocabulary, generator=generator) * 2)
        return torch.stack(rows)

    return logits, calls


def find(logits: Logits, sources: list[int], *, beams: int, max_tokens: int) -> list[Hypothesis]:
    return search(
        logits, torch.tensor([[each] for each in sources]),
        begin=BEGIN, end=END, barred=[BEGIN], beams=beams, max_tokens=max_tokens,
    )  # fmt: skip


def likelihood(logits: Logits, source: int, ids: tuple[int, ...]) -> float:
    """Return the mean logarithm of the probabilities of ids, one by one."""
    total, written = 0.0, [BEGIN]
    for token in ids:
        values = logits(torch.tensor([[source]]), torch.tensor([written]))[0]
        values = torch.log_softmax(values, -1)
        total += float(values[token])
        written.append(token)
    return total / len(ids)


@pytest.mark.parametrize("seed", range(6))
def test_enough_beams_find_the_likeliest_of_all_texts(seed: int) -> None:
    logits, _ = by_prefix(seed, 4)
    texts = [(*middle, END) for length in range(4) for middle in itertools.product((2, 3), repeat=length)]
    best = max(texts, key=lambda ids: likelihood(logits, 7, ids))

    (written,) = find(logits, [7], beams=64, max_tokens=4)

    assert (*written.ids, END) == best
    assert written.score == pytest.approx(likelihood(logits, 7, best), abs=1e-5)


def test_greedy_takes_the_likeliest_token_each_time_and_beams_look_further() -> None:
    """2 looks better than 3 at first, and leads nowhere good."""
    chances = {(0,): {2: 0.55, 3: 0.45}, (0, 2): {2: 0.4, 3: 0.3, END: 0.3}, (0, 3): {END: 1.0}}

    def logits(_source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        rows = [chances.get(tuple(row), {END: 1.0}) for row in target.tolist()]
        return torch.tensor([[row.get(token, 1e-9) for token in range(4)] for row in rows]).log()

    greedy, beams = (find(logits, [9], beams=count, max_tokens=5)[0] for count in (1, 2))

    assert greedy.ids == (2, 2)
    assert beams.ids == (3,)
    assert math.exp(beams.score) == pytest.approx(0.45**0.5)


def test_an_end_that_is_not_among_the_best_keeps_no_better_text_from_going_on() -> None:
    chances = {
        (0,): {2: 0.5, 3: 0.4, END: 0.1}, (0, 2): {END: 0.3, 4: 0.7}, (0, 3): {END: 0.2, 4: 0.8},
    }  # fmt: skip

    def logits(_source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        rows = [chances.get(tuple(row), {END: 1.0}) for row in target.tolist()]
        return torch.tensor([[row.get(token, 1e-9) for token in range(5)] for row in rows]).log()

    assert find(logits, [9], beams=2, max_tokens=5)[0].ids == (2, 4)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_text_is_found_alike_alone_and_among_others(beams: int) -> None:
    logits, _ = by_prefix(1, 9)

    together = find(logits, [3, 5, 8, 13], beams=beams, max_tokens=6)

    assert together == [find(logits, [each], beams=beams, max_tokens=6)[0] for each in (3, 5, 8, 13)]


def test_texts_that_are_done_leave_the_call_and_it_ends_with_the_last() -> None:
    calls: list[int] = []

    def logits(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        calls.append(len(target))
        done = target.shape[1] > source[:, 0]  # a source is how many tokens are written
        tokens = torch.where(done, torch.full_like(done, END, dtype=torch.int64), 2)
        return torch.nn.functional.one_hot(tokens, 4).float() * 30

    written = find(logits, [1, 3, 2], beams=1, max_tokens=50)

    assert [each.ids for each in written] == [(2,), (2, 2, 2), (2, 2)]
    assert calls == [3, 3, 2, 1]


def test_a_text_that_does_not_end_is_cut_off() -> None:
    def logits(_source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[0.0, -50.0, 1.0, 0.5]]).expand(len(target), 4)

    for beams in (1, 2):
        assert find(logits, [1], beams=beams, max_tokens=3)[0].ids == (2, 2, 2)


def test_barred_tokens_are_never_written_however_likely() -> None:
    def logits(_source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return torch.tensor([[90.0, 0.0, 1.0]]).expand(len(target), 3)

    for beams in (1, 5):
        assert BEGIN not in find(logits, [1], beams=beams, max_tokens=3)[0].ids
