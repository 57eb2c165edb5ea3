"""The messages to and from the children that load gradient-boosted trees and prove them, and the files beside them."""

from pathlib import Path
from typing import Any, Literal

from model_tools.packaging.children.messages import Message, Text
from model_tools.packaging.proof.cases import Case

TREES_FILE = "trees.ubj"
"""The trees as they will be served."""
ANSWERS_FILE = "answers.npz"
"""The inputs of each case and the answers of the trained model."""


class TreesJob(Message):
    """What the child is asked to do that loads an XGBoost model and saves it as it will be served."""

    checkpoint: Path
    rounds: int | None
    """The number of its rounds that count; None for all of them."""
    features: int
    spans: list[tuple[float, float]]
    """The values of each feature between which the cases are drawn."""
    cases: list[Case]
    """Drawn cases first, then those of samples, in the order of SAMPLES_FILE."""


class TreesResult(Message):
    """What it found. Beside it stand TREES_FILE and ANSWERS_FILE."""

    status: Literal["done"] = "done"
    shapes: list[list[int]]
    """The shape of each case's answer."""
    answers: list[list[Any] | None]
    """The trained model's answer to each sample (nested lists), when it is small."""
    xgboost_version: Text
    seconds: dict[str, float]


class TreesParityJob(Message):
    """What the child is asked to do that proves the saved trees. ANSWERS_FILE stands beside it."""

    model: Path
    cases: int


class TreesParityResult(Message):
    """What it found."""

    status: Literal["done"] = "done"
    differences: list[float]
    """The largest absolute difference of each case; -1 for an answer of another shape, or NaN elsewhere."""
    latency_ms: float
    """Median of the answer to one row, one thread."""
    xgboost_version: Text
    seconds: dict[str, float]
