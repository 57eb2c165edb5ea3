"""Puts batches of images into the memory format that a model wants."""

from collections.abc import Sequence

import torch

IMAGE_AXES = 4
"""The number of axes of a batch of images: batch, channels, height, width."""


def in_format(inputs: Sequence[torch.Tensor], *, channels_last: bool) -> tuple[torch.Tensor, ...]:
    """Return a model's inputs, with batches of images in channels-last format if `channels_last` is true."""
    return tuple(
        tensor.contiguous(memory_format=torch.channels_last) if channels_last and tensor.dim() == IMAGE_AXES else tensor
        for tensor in inputs
    )
