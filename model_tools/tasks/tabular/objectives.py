"""The meaning of what trees answer, by XGBoost's objective: which objectives choose a class, and how. Pure.

Packaging checks the names of classes by this table, and serving names a row's class by it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_tools.errors import ClassesMismatch
from model_tools.tasks.answers import check_width

Choice = tuple[int, float | None]
"""The index of the chosen class, and its probability; None for an objective that answers no probabilities."""
FEWEST_CLASSES = 2
"""The smallest number of classes between which there is a choice, and the number of a `binary:` objective's."""


@dataclass(frozen=True)
class Objective:
    """An objective of XGBoost whose predictions choose one of several classes."""

    answers: str
    """The prediction for a row, as a phrase for messages and the documentation."""
    choose: Callable[[Any], Choice]
    """Returns the class that a row's prediction chooses."""


def _by_probabilities(probabilities: Sequence[float]) -> Choice:
    index = max(range(len(probabilities)), key=probabilities.__getitem__)
    return index, probabilities[index]


def _by_probability(probability: float) -> Choice:
    return _by_probabilities([1 - probability, probability])


def _by_logit(logit: float) -> Choice:
    # exp() of a large number overflows, so it is taken of the negative one of the two logits.
    smaller = math.exp(-abs(logit))
    likelier = 1 / (1 + smaller)
    return (1, likelier) if logit > 0 else (0, likelier)


def _by_index(index: float) -> Choice:
    return int(index), None


CLASSIFIERS: Mapping[str, Objective] = {
    "binary:logistic": Objective("the probability of the second class", _by_probability),
    "binary:logitraw": Objective("the logit of the second class", _by_logit),
    "binary:hinge": Objective("0 or 1", _by_index),
    "multi:softprob": Objective("a probability for each class", _by_probabilities),
    "multi:softmax": Objective("the number of the class, counted from 0", _by_index),
}  # fmt: skip
"""The objectives that choose a class. The predictions of all others are numbers, such as prices, ranks or hazards."""


def check_class_names(
    names: Sequence[str], objective: str, *, classes: int, targets: int, model: str, where: str
) -> None:
    """Raise ClassesMismatch unless trees choose one of the named classes for each row.

    `classes` is the number of classes of a `multi:` objective, `targets` that of the values that were learnt together;
    `model` and `where` are the names of the model's and the classes' file in messages.
    """
    if objective not in CLASSIFIERS:
        raise ClassesMismatch(
            f"{where} names classes, and {model} with its objective {objective} answers numbers, which choose no "
            "class: remove classes, or publish a classifier."
        )
    if targets > 1:
        raise ClassesMismatch(
            f"{where} names classes, of which one is answered for each row, and {model} answers {targets} labels for "
            f"each row, each of which may hold or not ({objective} with {targets} targets): remove classes. The "
            "prediction of a row is then a list with a value for each label, in the order of training."
        )
    if not objective.startswith("multi:"):
        if len(names) != FEWEST_CLASSES:
            raise ClassesMismatch(
                f"{where} names {len(names)} classes, and {model} chooses between two with its objective {objective}: "
                "name the class of label 0 in the first line and that of label 1 in the second."
            )
        return
    if classes < FEWEST_CLASSES:
        raise ClassesMismatch(
            f"{where} names classes, and {model} was trained with num_class: {classes}, which leaves no choice between "
            "classes: remove classes, or train the model with all classes."
        )
    check_width(names, classes, where=where)
