"""The messages to and from the children that load gradient-boosted trees and prove them, and the files beside them."""

from pathlib import Path
from typing import Any, Literal

from model_tools.packaging.children.messages import Message, Text
from model_tools.packaging.proof.cases import Case

TREES_FILE = "trees.ubj"
"""The file with the trees as they will be served."""
ANSWERS_FILE = "answers.npz"
"""The file with the inputs of each case and the answers of the trained model."""


class TreesJob(Message):
    """The job of the loading child: load an XGBoost model, answer the cases, and save the trees for serving."""

    checkpoint: Path
    version: list[int]
    """The version of XGBoost that saved the file; empty if it does not say."""
    rounds: int | None
    """The number of the model's rounds that are served, counted from the first; None for all of them."""
    features: int
    spans: list[tuple[float, float]]
    """The lowest and the highest value of each feature that the cases may have."""
    cases: list[Case]
    """The drawn cases first, then those of samples, in the order of SAMPLES_FILE."""


class TreesResult(Message):
    """The findings of the loading child, which leaves TREES_FILE and ANSWERS_FILE beside them."""

    status: Literal["done"] = "done"
    shapes: list[list[int]]
    """The shape of each case's answer."""
    answers: list[list[Any] | None]
    """The trained model's answer to each sample as nested lists; None for an answer that is too large to be kept."""
    xgboost_version: Text
    seconds: dict[str, float]
    """The time of each step."""


class TreesParityJob(Message):
    """The job of the proving child: compare the saved trees' answers with those in ANSWERS_FILE, beside it."""

    model: Path
    cases: int
    """The number of cases in ANSWERS_FILE."""


class TreesParityResult(Message):
    """The findings of the proving child."""

    status: Literal["done"] = "done"
    differences: list[float]
    """The largest absolute difference of each case; -1 for an answer that has another shape or is not finite."""
    latency_ms: float
    """The median time of an answer to one row, with one thread."""
    xgboost_version: Text
    seconds: dict[str, float]
    """The time of each step."""
