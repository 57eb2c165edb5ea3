"""Makes probabilities of the values that a classifier answers for one input."""

import torch

from model_tools.formats.sections import Scores


def class_probabilities(values: torch.Tensor, scores: Scores | None) -> torch.Tensor:
    """Return a probability for each class; a single value is that of the second of two classes.

    `values` has one axis. Values that mean probabilities are kept within 0 and 1, and logits get a softmax.
    """
    if scores == "probabilities":
        bounded = values.clamp(0, 1)
        return torch.cat([1 - bounded, bounded]) if len(values) == 1 else bounded
    return torch.softmax(torch.cat([torch.zeros_like(values), values]) if len(values) == 1 else values, 0)
