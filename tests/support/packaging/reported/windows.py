"""Nets for images of several sizes: windows, padding, interpolation, positions and boxes."""

import math

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 (the usual name)


class SwinBatch(nn.Module):
    """Windows of 4 x 4, put back with a batch size that is computed by a division and int()."""

    def __init__(self):
        super().__init__()
        self.mix = nn.Linear(3, 3)

    def forward(self, x):
        rows, height, width, channels = x.shape
        cut = x.view(rows, height // 4, 4, width // 4, 4, channels).permute(0, 1, 3, 2, 4, 5)
        windows = self.mix(cut.reshape(-1, 16, channels)).softmax(1)
        batch = int(windows.shape[0] / (height * width / 4 / 4))
        back = windows.view(batch, height // 4, width // 4, 4, 4, -1).permute(0, 1, 3, 2, 4, 5)
        return back.reshape(batch, height, width, -1)


class SwinMask(nn.Module):
    """Shifted windows whose mask is made for the size of the image, by assignments to slices."""

    def __init__(self):
        super().__init__()
        self.query = nn.Linear(3, 3)

    def forward(self, x):
        rows, height, width, channels = x.shape
        x = F.pad(x, (0, 0, 0, (-width) % 4, 0, (-height) % 4))
        down, across = x.shape[1] // 4, x.shape[2] // 4
        areas = torch.zeros(1, x.shape[1], x.shape[2], 1)
        for row, rows_part in enumerate((slice(0, -4), slice(-4, -2), slice(-2, None))):
            for column, columns_part in enumerate((slice(0, -4), slice(-4, -2), slice(-2, None))):
                areas[:, rows_part, columns_part, :] = 3 * row + column

        def cut(image):
            parts = image.view(image.shape[0], down, 4, across, 4, image.shape[3])
            return parts.permute(0, 1, 3, 2, 4, 5).reshape(-1, 16, image.shape[3])

        labels, windows = cut(areas).squeeze(-1), cut(torch.roll(x, (-2, -2), (1, 2)))
        mask = (labels[:, None] - labels[:, :, None]).ne(0).float() * -100.0
        query = self.query(windows)
        scores = (query @ query.transpose(1, 2)).view(-1, mask.shape[0], 16, 16) + mask
        mixed = scores.view(-1, 16, 16).softmax(-1) @ windows
        image = mixed.view(rows, down, across, 4, 4, channels).permute(0, 1, 3, 2, 4, 5)
        return torch.roll(image.reshape(rows, 4 * down, 4 * across, channels), (2, 2), (1, 2))[:, :height, :width]


class Convolved(nn.Module):
    def __init__(self, channels=4, **settings):
        super().__init__()
        self.conv = nn.Conv2d(1, channels, 3, **{"padding": 1, **settings})


class RecomputedScale(Convolved):
    def forward(self, x):
        return F.interpolate(self.conv(x), scale_factor=1.5, mode="bilinear", recompute_scale_factor=True)


class HalfSize(Convolved):
    def forward(self, x):
        return F.interpolate(self.conv(x), scale_factor=0.5, mode="bilinear", align_corners=False)


class PositionsBySize(Convolved):
    def __init__(self):
        super().__init__(stride=2)
        self.positions = nn.Parameter(torch.randn(1, 4, 6, 6))

    def forward(self, x):
        y = self.conv(x)
        return y + F.interpolate(self.positions, size=y.shape[2:], mode="bicubic", antialias=True)


class PositionsByScale(PositionsBySize):
    def forward(self, x):
        y = self.conv(x)
        scales = (y.shape[2] + 0.1) / 6, (y.shape[3] + 0.1) / 6
        return y + F.interpolate(self.positions, scale_factor=scales, mode="bicubic")


class SamePadding(Convolved):
    """TensorFlow's padding, whose numbers are computed by Python."""

    def __init__(self):
        super().__init__(stride=2, padding=0)

    def forward(self, x):
        down, across = (max((math.ceil(size / 2) - 1) * 2 + 3 - size, 0) for size in x.shape[2:])
        return self.conv(F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))).mean((2, 3))


@torch.jit.script
def padded_alike(x: torch.Tensor) -> torch.Tensor:
    height, width = x.shape[2], x.shape[3]
    down = max(2 * ((height + 1) // 2) + 1 - height, 0)
    across = max(2 * ((width + 1) // 2) + 1 - width, 0)
    return F.pad(x, [across // 2, across - across // 2, down // 2, down - down // 2])


class ScriptedPadding(SamePadding):
    def forward(self, x):
        return self.conv(padded_alike(x)).mean((2, 3))


class KeptGrid(Convolved):
    """The grid of a detector's cells, made once and kept until the size changes."""

    def __init__(self):
        super().__init__(channels=2)
        self.grid = torch.zeros(1)

    def forward(self, x):
        y = self.conv(x)
        if self.grid.shape[1:] != y.shape[2:]:
            down, across = torch.meshgrid(*map(torch.arange, y.shape[2:]), indexing="ij")
            self.grid = torch.stack([across, down]).float()
        return y.sigmoid() + self.grid


class ScaledBoxes(Convolved):
    def forward(self, x):
        height, width = x.shape[2:]
        return self.conv(x).mean((2, 3)).sigmoid() * torch.as_tensor([width, height, width, height])


class AnchorGrid(Convolved):
    """Anchors at every place, whose coordinates are repeated len() times."""

    def forward(self, x):
        y = self.conv(x)
        down, across = torch.arange(y.shape[2]) * 8, torch.arange(y.shape[3]) * 8
        shifts = torch.stack([across.repeat(len(down)), down.view(-1, 1).repeat(1, len(across)).view(-1)], 1)
        return y.flatten(2)[:, :2] + shifts.T


class AnchorGridByShape(AnchorGrid):
    def forward(self, x):
        y = self.conv(x)
        down, across = torch.arange(y.shape[2]) * 8, torch.arange(y.shape[3]) * 8
        rows = down.view(-1, 1).repeat(1, across.shape[0]).view(-1)
        return y.flatten(2)[:, :2] + torch.stack([across.repeat(down.shape[0]), rows])


class GroupedStatistics(Convolved):
    """The deviation within groups of 4 rows of the batch."""

    def forward(self, x):
        y = self.conv(x)
        group = min(y.shape[0], 4)
        deviation = y.view(group, -1, *y.shape[1:]).var(0, unbiased=False).mean((1, 2, 3), keepdim=True)
        return y.mean((1, 2, 3)) + deviation.repeat(group, 1, 1, 1).flatten()


class NormalisedImages(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [
            (nn.Conv2d(1 if depth == 0 else 8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()) for depth in range(4)
        ]
        self.layers = nn.Sequential(*(layer for block in layers for layer in block))

    def forward(self, x):
        return self.layers(x).mean((2, 3))
