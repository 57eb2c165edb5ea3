"""A small detector that looks once: each place of a 12 x 12 grid says whether an object has its middle there."""

from itertools import pairwise

import torch
from torch import nn

STRIDE = 8
"""Pixels of the input between two places of the grid."""
USUAL_SIDE = 24.0
"""Pixels; sides are told relative to it, as logarithms."""


class ScenesNet(nn.Module):
    """[N, 3, 96, 96] → boxes [N, 144, 4] in pixels, labels [N, 144], scores [N, 144]."""

    def __init__(self, channels: int = 12, classes: int = 3) -> None:
        super().__init__()
        widths = [3, channels, 2 * channels, 4 * channels]
        self.features = nn.Sequential(
            *(self._halve(before, after) for before, after in pairwise(widths)),
            self._convolve(widths[-1], widths[-1]),
            self._convolve(widths[-1], widths[-1], dilation=2),
        )
        self.heads = nn.Conv2d(widths[-1], 1 + 4 + classes, 1)

    def forward(self, images: torch.Tensor) -> dict[str, torch.Tensor]:
        objectness, places, logits = self.look(images)
        confidences, labels = logits.softmax(-1).max(-1)
        return {"boxes": self.boxes(places), "labels": labels, "scores": objectness.sigmoid() * confidences}

    def look(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return objectness [N, 144], places [N, 144, 4] and the classes' logits [N, 144, classes], row by row."""
        found = self.heads(self.features(images)).flatten(2).transpose(1, 2)
        return found[..., 0], found[..., 1:5], found[..., 5:]

    def boxes(self, places: torch.Tensor) -> torch.Tensor:
        """Return places as corners: two say where the middle lies in its cell, two how long the sides are."""
        side = 12
        rows = torch.arange(side).repeat_interleave(side)
        columns = torch.arange(side).repeat(side)
        middle = (torch.stack([columns, rows], 1) + places[..., :2].sigmoid()) * STRIDE
        half = places[..., 2:].exp() * USUAL_SIDE / 2
        return torch.cat([middle - half, middle + half], -1)

    @staticmethod
    def _convolve(before: int, after: int, *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(before, after, 3, stride=stride, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )

    def _halve(self, before: int, after: int) -> nn.Sequential:
        return nn.Sequential(self._convolve(before, after, stride=2), self._convolve(after, after))
