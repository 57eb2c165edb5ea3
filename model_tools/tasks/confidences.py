"""Makes a confidence for each class of the values that a model answers for one row. Imports no library."""

import math
from collections.abc import Sequence

from model_tools.formats.sections import Scores
from model_tools.serving.failures import ModelFailed

TOLERANCE = 0.02
"""The largest difference of the sum of probabilities from 1: more than the proof allows, for reduced precision."""


def confidences_of(values: Sequence[float], scores: Scores | None) -> list[float]:
    """Return a probability for each class; one value is that of the second of two classes.

    Raises ModelFailed for values that are no probabilities although the model was found to answer them.
    """
    if scores == "probabilities":
        require_probabilities(min(values), max(values), sum(values) if len(values) > 1 else 1)
        bounded = [min(max(value, 0.0), 1.0) for value in values]
        return [1 - bounded[0], bounded[0]] if len(values) == 1 else bounded
    logits = [0.0, *values] if len(values) == 1 else values
    largest = max(logits)
    shares = [math.exp(logit - largest) for logit in logits]
    total = sum(shares)
    return [share / total for share in shares]


def require_probabilities(smallest: float, largest: float, total: float) -> None:
    """Raise ModelFailed unless values with these bounds and this sum are probabilities."""
    if not (smallest >= -TOLERANCE and largest <= 1 + TOLERANCE and abs(total - 1) <= TOLERANCE):
        raise ModelFailed(
            "the model answered values that are no probabilities, although it answered probabilities in its proof: "
            "publish it with scores: logits, or let forward always return probabilities"
        )
