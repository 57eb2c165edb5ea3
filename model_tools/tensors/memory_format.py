"""How images lie in memory when they are handed to a model."""

from collections.abc import Sequence

import torch

IMAGE_AXES = 4
"""Axes of a batch of images: batch, channels, height, width."""


def in_format(inputs: Sequence[torch.Tensor], *, channels_last: bool) -> tuple[torch.Tensor, ...]:
    """Return the inputs of a model, batches of images in channels-last format where the model wants it."""
    return tuple(
        tensor.contiguous(memory_format=torch.channels_last) if channels_last and tensor.dim() == IMAGE_AXES else tensor
        for tensor in inputs
    )
