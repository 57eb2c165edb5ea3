"""Boxes as tensors [N, 4] of left, upper, right, lower: made from what models answer, and doubles sorted out."""

import torch

from model_tools.tasks.object_detection.spec import Detection

MAX_COMPARED = 2_000
"""Boxes that are compared with one another, best first: their overlaps take 16 MB. More are not looked at."""


def as_corners(boxes: torch.Tensor, detection: Detection, *, width: int, height: int) -> torch.Tensor:
    """Return a model's boxes as corners in pixels of its input, which is `width` x `height`."""
    if detection.layout == "centre":
        middle, half = boxes[:, :2], boxes[:, 2:] / 2
        boxes = torch.cat([middle - half, middle + half], 1)
    return boxes * torch.tensor([width, height] * 2) if detection.units == "fractions" else boxes


def overlaps(boxes: torch.Tensor) -> torch.Tensor:
    """Return the intersection of each box with each other as a share of their union, [N, N]."""
    upper_left = torch.maximum(boxes[:, None, :2], boxes[None, :, :2])
    lower_right = torch.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    intersection = (lower_right - upper_left).clamp(min=0).prod(2)
    areas = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(1)
    union = areas[:, None] + areas[None, :] - intersection
    return intersection / union.clamp(min=1e-12)


def without_doubles(boxes: torch.Tensor, labels: torch.Tensor, overlap: float) -> list[int]:
    """Return the indices of the boxes that stay, in order; the boxes are sorted, best first.

    A box goes when one of its class that stays overlaps it by more than `overlap` (greedy non-maximum suppression).
    """
    boxes, labels = boxes[:MAX_COMPARED], labels[:MAX_COMPARED]
    doubles = (overlaps(boxes) > overlap) & (labels[:, None] == labels[None, :])
    gone = torch.zeros(len(boxes), dtype=torch.bool)
    stays = []
    for index in range(len(boxes)):
        if not gone[index]:
            stays.append(index)
            gone |= doubles[index]
    return stays
