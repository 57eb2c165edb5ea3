"""A small transformer that reads a date letter by letter and says where in space it lies."""

import math

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

HIDDEN = -1e9
"""Added to the attention's logits; finite, so that a text of nothing but padding still gives numbers."""


class Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_net = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.net = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        split = self.query_key_value(self.norm_attention(states)).unflatten(-1, (3 * self.heads, -1))
        query, key, value = split.transpose(1, 2).chunk(3, dim=1)
        attended = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        states = states + self.out(attended.transpose(1, 2).flatten(2))
        return states + self.net(self.norm_net(states))


class DateEncoder(nn.Module):
    """[N, tokens] int64 ids → [N, dimensions]; the same day comes out alike however it is written."""

    def __init__(
        self, tokens: int, dimensions: int = 32, width: int = 64, heads: int = 4, layers: int = 2, longest: int = 32
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(tokens, width)
        self.layers = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, dimensions)
        angles = torch.arange(longest)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(1000) / width))
        places = torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
        self.register_buffer("places", places, persistent=False)

    def forward(self, text: torch.Tensor) -> torch.Tensor:
        states = self.tokens(text) + self.places[: text.shape[1]]
        there = (text != 0).to(states.dtype)
        mask = (1 - there)[:, None, None, :] * HIDDEN
        for layer in self.layers:
            states = layer(states, mask)
        sums = (self.norm(states) * there.unsqueeze(2)).sum(1)
        return self.out(sums / there.sum(1, keepdim=True).clamp(min=1))
