"""A convolutional net over readings in time, as many as there are."""

import torch
from torch import nn


class VibrationNet(nn.Module):
    """[N, 1, readings] accelerations → [N, 2]: frequency in Hz, and share of the critical damping in per cent."""

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(1, channels, 15, padding=7),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 9, padding=8, dilation=2),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 9, padding=16, dilation=4),
            nn.ReLU(),
        )
        self.estimate = nn.Sequential(nn.Linear(2 * channels, 64), nn.ReLU(), nn.Linear(64, 2))
        self.register_buffer("unit", torch.tensor([10.0, 5.0]))

    def forward(self, readings: torch.Tensor) -> torch.Tensor:
        # How hard it was struck says nothing about either.
        loudness = readings.square().mean(2, keepdim=True).sqrt() + 1e-6
        features = self.features(readings / loudness)
        return self.estimate(torch.cat([features.mean(2), features.amax(2)], dim=1)) * self.unit
