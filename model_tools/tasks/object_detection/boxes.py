"""Boxes as tensors [N, 4] of left, upper, right, lower: converts a model's boxes and sorts out duplicates."""

import torch

from model_tools.tasks.object_detection.spec import Detection

MAX_COMPARED = 2_000
"""The best boxes, which are compared with one another; the rest is dropped. The [N, N] overlaps take 16 MB."""


def as_corners(boxes: torch.Tensor, detection: Detection, *, width: int, height: int) -> torch.Tensor:
    """Return a model's boxes as corners in pixels of its input, which is `width` x `height`."""
    if detection.layout == "centre":
        middle, half = boxes[:, :2], boxes[:, 2:] / 2
        boxes = torch.cat([middle - half, middle + half], 1)
    return boxes * torch.tensor([width, height] * 2) if detection.units == "fractions" else boxes


def intersection_over_union(boxes: torch.Tensor) -> torch.Tensor:
    """Return the intersection of each box with each other as a share of their union, [N, N]."""
    upper_left = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    lower_right = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    intersection = (lower_right - upper_left).clamp(min=0).prod(2)
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
    union = areas[:, None] + areas[None, :] - intersection
    return intersection / union.clamp(min=1e-12)


def suppress_duplicates(boxes: torch.Tensor, labels: torch.Tensor, overlap: float) -> list[int]:
    """Return the indices of the boxes to keep, in order; the boxes must be sorted, best first.

    A box is a duplicate when a better box of its class that is kept overlaps it by more than `overlap`, a share of
    their union (greedy non-maximum suppression).
    """
    boxes, labels = boxes[:MAX_COMPARED], labels[:MAX_COMPARED]
    duplicates = (intersection_over_union(boxes) > overlap) & (labels[:, None] == labels[None, :])
    suppressed = torch.zeros(len(boxes), dtype=torch.bool)
    kept = []
    for index in range(len(boxes)):
        if not suppressed[index]:
            kept.append(index)
            suppressed |= duplicates[index]
    return kept
