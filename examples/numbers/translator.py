"""A small encoder–decoder transformer over characters."""

import math

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

MASKED = -1e9
"""Added to the attention's logits; finite, so that a text of nothing but padding still gives numbers."""


class Attention(nn.Module):
    """[batch, queries, width] and [batch, keys, width] → [batch, queries, width]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, queries: torch.Tensor, keys: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        query = self.query(queries).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = self.key_value(keys).unflatten(-1, (2 * self.heads, -1)).transpose(1, 2).chunk(2, dim=1)
        attended = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.out(attended.transpose(1, 2).flatten(2))


class Layer(nn.Module):
    """Self-attention, attention to the source where there is one, and a feed-forward net; each on normed input."""

    def __init__(self, width: int, heads: int, *, reads_source: bool) -> None:
        super().__init__()
        self.attend = Attention(width, heads)
        self.read = Attention(width, heads) if reads_source else None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3 if reads_source else 2))
        self.feed_forward = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(
        self,
        states: torch.Tensor,
        mask: torch.Tensor,
        source: torch.Tensor | None = None,
        source_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        normed = self.norms[0](states)
        states = states + self.attend(normed, normed, mask)
        if self.read is not None:
            states = states + self.read(self.norms[2](states), source, source_mask)
        return states + self.feed_forward(self.norms[1](states))


class Translator(nn.Module):
    """source [batch, source] and target [batch, target], int64 ids → logits [batch, target, target vocabulary].

    The logits at a place of the target are those of the token after it, seen from what stands up to there.
    """

    def __init__(
        self, sources: int, targets: int, width: int = 64, heads: int = 4, layers: int = 2, longest: int = 96
    ) -> None:
        super().__init__()
        self.source_tokens = nn.Embedding(sources, width)
        self.target_tokens = nn.Embedding(targets, width)
        self.encoder = nn.ModuleList(Layer(width, heads, reads_source=False) for _ in range(layers))
        self.decoder = nn.ModuleList(Layer(width, heads, reads_source=True) for _ in range(layers))
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.to_logits = nn.Linear(width, targets)
        self.register_buffer("places", sinusoids(longest, width), persistent=False)
        self.scale = math.sqrt(width)

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        encoded = self.source_tokens(source) * self.scale + self.places[: source.shape[1]]
        padding = (source == 0).to(encoded.dtype)[:, None, None, :] * MASKED
        for layer in self.encoder:
            encoded = layer(encoded, padding)
        encoded = self.norms[0](encoded)

        size = target.shape[1]
        states = self.target_tokens(target) * self.scale + self.places[:size]
        future = torch.full((size, size), MASKED, dtype=states.dtype).triu(1)
        for layer in self.decoder:
            states = layer(states, future, encoded, padding)
        return self.to_logits(self.norms[1](states))


def sinusoids(count: int, width: int) -> torch.Tensor:
    """Return a code for each place, [count, width], in which neighbours are alike."""
    angles = torch.arange(count)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(10_000) / width))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
