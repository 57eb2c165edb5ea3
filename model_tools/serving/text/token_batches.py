"""Packs lists of token ids into tensors of equal length, with as many rows as the model takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from model_tools.formats.archive import ArchiveManifest
from model_tools.serving.models.numbers import bounds


@dataclass(frozen=True)
class TokenShape:
    """The sizes of an input of token ids [rows, tokens] that the model takes."""

    rows: tuple[int, int]
    """The smallest and the largest number of rows."""
    tokens: tuple[int, int]
    """The smallest and the largest number of tokens in a row."""
    padding: int | None
    """The id that fills up a short row; if it is None, only rows of equal length can share a tensor."""

    rows_apart: bool = False
    """Each row must be answered alone."""

    @classmethod
    def of(cls, manifest: ArchiveManifest, index: int, padding: int | None) -> "TokenShape":
        """Return the sizes that the model's input at an index allows, which has the shape [batch, tokens]."""
        rows, tokens = (bounds(axis, manifest.axes) for axis in manifest.inputs[index].shape)
        return cls(rows, tokens, None if manifest.padding_counts else padding, manifest.rows_apart)

    @property
    def fewest_tokens(self) -> int:
        """The smallest number of tokens in a text: a shorter one would have to be padded."""
        return self.tokens[0] if self.padding is None else 1

    def batches(self, texts: Sequence[Sequence[int]], size: int) -> Iterator[list[int]]:
        """Yield the indices of up to `size` texts for one tensor; texts of similar length share it to save padding."""
        size = 1 if self.rows_apart else size
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        batch: list[int] = []
        for index in order:
            unlike = self.padding is None and batch and len(texts[batch[0]]) != len(texts[index])
            if batch and (len(batch) == size or unlike):
                yield batch
                batch = []
            batch.append(index)
        yield batch

    def padded(self, texts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Return texts as a tensor int64 [texts, tokens of the longest text]."""
        length = max(self.tokens[0], *map(len, texts))
        fill = self.padding or 0
        return torch.tensor([[*ids, *[fill] * (length - len(ids))] for ids in texts])

    def with_enough_rows(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the rows, with the last one repeated until there are as many as the model takes at least."""
        lacking = self.rows[0] - len(rows)
        return rows if lacking <= 0 else torch.cat([rows, rows[-1:].expand(lacking, -1)])
