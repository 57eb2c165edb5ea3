"""A small residual net for colour images."""

from itertools import pairwise

import torch
from torch import nn


class Block(nn.Module):
    """Two convolutions beside a shortcut; halves the image."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(),
            nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut = nn.Conv2d(channels_in, channels_out, 1, stride=2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.convolutions(images) + self.shortcut(images))


class ShapesNet(nn.Module):
    """[N, 3, 64, 64] images, normalised as for ImageNet → [N, 6] logits."""

    def __init__(self, channels: int = 10, classes: int = 6) -> None:
        super().__init__()
        widths = [3, channels, 2 * channels, 3 * channels, 4 * channels]
        self.blocks = nn.Sequential(*(Block(before, after) for before, after in pairwise(widths)))
        self.classify = nn.Linear(widths[-1], classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classify(self.blocks(images).mean((2, 3)))
