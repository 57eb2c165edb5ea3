"""Proves that the rows of a batch do not change one another's answers, and that padding does not change a text's.

Serving puts the rows of several requests into one batch, and texts of different lengths, padded, into one tensor. A
request must be answered as if it had been alone. Where that is not so, serving asks the model row by row, or with texts
of equal length only.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from model_tools.packaging.proof.messages import RowsJob, RowsResult

LARGE_SHARE = 0.25
"""The share of the largest case's numbers that another large case has at most."""

Inputs = tuple[torch.Tensor, ...]
Ask = Callable[[Inputs], Sequence[torch.Tensor]]
"""Asks the model, and returns the tensors of its answer. Raises RuntimeError."""
Same = Callable[[Sequence[torch.Tensor], Sequence[torch.Tensor]], bool]
"""Tells whether two answers are the same within the tolerance."""


def prove_rows(job: RowsJob, cases: Sequence[Inputs], ask: Ask, same: Same) -> RowsResult:
    """Compare what a model answers to rows alone and together, to padded texts, and to longer targets."""
    return RowsResult(
        independent=None if job.fewest_rows is None else _all(_rows_apart(job.fewest_rows, cases, ask, same)),
        ignores_padding=None if job.padding is None else _all(_padded(job, job.padding, cases, ask, same)),
        causal=None if job.fewest_targets is None else _all(_longer_targets(job.fewest_targets, cases, ask, same)),
    )


def _all(compared: Iterator[bool]) -> bool | None:
    """Return whether all comparisons are equal, and None if there is nothing to compare."""
    found = None
    for equal in compared:
        if not equal:
            return False
        found = True
    return found


def _rows_apart(fewest: int, cases: Sequence[Inputs], ask: Ask, same: Same) -> Iterator[bool]:
    """Compare rows together with as few rows at a time as the model takes."""
    several = [inputs for inputs in cases if inputs[0].shape[0] >= 2 * fewest]
    for inputs in _spread_out(several):
        rows = inputs[0].shape[0] // fewest * fewest
        together = ask(tuple(tensor[:rows] for tensor in inputs))
        if any(tensor.dim() == 0 or tensor.shape[0] != rows for tensor in together):
            yield False  # the answer has no row for each row, so it cannot be split
            return
        apart = [ask(tuple(tensor[begin : begin + fewest] for tensor in inputs)) for begin in range(0, rows, fewest)]
        if not all(_can_be_joined(parts) for parts in zip(*apart, strict=True)):
            yield False
            return
        yield same([torch.cat(tensors) for tensors in zip(*apart, strict=True)], together)


def _can_be_joined(parts: Sequence[torch.Tensor]) -> bool:
    """Tell whether the answers to some rows differ in the number of rows alone.

    They differ otherwise where values decide a size: `pad_packed_sequence` pads to the longest of the rows.
    """
    shapes = {part.shape[1:] for part in parts}
    return len(shapes) == 1 and all(part.dim() > 0 for part in parts)


def _padded(job: RowsJob, padding: int, cases: Sequence[Inputs], ask: Ask, same: Same) -> Iterator[bool]:
    """Compare texts with the same texts, padded; the first input has the ids, [rows, tokens]."""
    longer = [inputs for inputs in cases if inputs[0].shape[1] > job.fewest_tokens]
    for ids, *others in _spread_out(longer):
        # The shortest text has the most padding.
        for length in sorted({job.fewest_tokens, max(job.fewest_tokens, ids.shape[1] // 2)}):
            texts = torch.where(ids == padding, job.no_padding, ids)[:, :length]
            padded = torch.nn.functional.pad(texts, (0, ids.shape[1] - length), value=padding)
            yield same(ask((padded, *others)), ask((texts, *others)))


def _longer_targets(fewest: int, cases: Sequence[Inputs], ask: Ask, same: Same) -> Iterator[bool]:
    """Compare the logits at each position with those for other tokens after it; the second input has the targets."""
    longer = [inputs for inputs in cases if inputs[1].shape[1] >= fewest]
    for source, target in _spread_out(longer):
        half = max(1, target.shape[1] // 2)
        other = torch.cat([target[:, :half], target[:, half:].flip(1).flip(0)], 1)
        (first, *_), (second, *_) = ask((source, target)), ask((source, other))
        yield same([second[:, :half]], [first[:, :half]])


def _spread_out(cases: Sequence[Inputs]) -> list[Inputs]:
    """Return the first case, those with the most and with the longest rows, and a large one.

    The largest of all is left out if there are others: it has the most rows and the longest, and costs as much as all
    other cases together.
    """
    most = max((inputs[0].numel() for inputs in cases), default=0)
    chosen = [
        *cases[:1],
        *_largest(cases, lambda rows: (len(rows), -rows.numel())),
        *_largest(cases, lambda rows: (rows[0].numel(), -rows.numel())),
        *_largest([inputs for inputs in cases if inputs[0].numel() <= most * LARGE_SHARE], torch.Tensor.numel),
    ]
    return list({id(inputs): inputs for inputs in chosen}.values())


def _largest(cases: Sequence[Inputs], by: Callable[[torch.Tensor], Any]) -> list[Inputs]:
    """Return the case whose first input is the largest by a measure, or nothing if there are no cases."""
    return [max(cases, key=lambda inputs: by(inputs[0]))] if cases else []
