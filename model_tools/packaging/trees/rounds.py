"""Decides how many of a model's rounds are served, when training marked one of them as the best. Pure.

A model answers as the object that saved it. XGBoost's `Booster.predict` takes all rounds, whether training stopped
early or not; `predict` of its scikit-learn wrappers takes those up to the best one. The manifest may say otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from model_tools.errors import CheckpointRejected, ManifestInvalid
from model_tools.packaging.trees.wrapper import ATTRIBUTE, wrapper_parameters

ALL = "write trees: {rounds: all} in publish.yaml to serve all rounds"
BEST = "write trees: {rounds: best} in publish.yaml to serve the rounds up to the best one"


@dataclass(frozen=True)
class Rounds:
    """The rounds of boosting in a model file, and the marks that training left about them."""

    total: int
    """The number of rounds, as XGBoost counts them in this file."""
    best: str | None
    """The attribute `best_iteration`, counted from 0; None for a model without it."""
    by_wrapper: bool
    """A scikit-learn wrapper, such as XGBClassifier, saved the file."""
    trees_a_round: int | None
    """The number of parallel trees of a round that the file does not tell XGBoost; None if nobody knows it.

    It is 1 for a file from which XGBoost reads that number, so that `total` counts rounds.
    """


@dataclass(frozen=True)
class ServedRounds:
    """The rounds that are served."""

    count: int | None
    """The number of rounds as XGBoost counts them; None for all."""
    note: str | None
    """A sentence for the evidence where not everybody would expect this number; None where there is no doubt."""


def choose_rounds(rounds: Rounds, wanted: Literal["all", "best"] | None, *, name: str) -> ServedRounds:
    """Return the rounds that are served; `wanted` is the manifest's choice, and `name` the model file's name.

    Raises ManifestInvalid for a choice that the file does not allow, and CheckpointRejected for a mark that cannot be
    followed.
    """
    if wanted == "all" or (rounds.best is None and wanted is None):
        return ServedRounds(None, None)
    if rounds.best is None:
        raise ManifestInvalid(
            f"trees.rounds: {name} has no best_iteration, which XGBoost notes when it may stop early: remove rounds; "
            "all rounds are served then."
        )
    if wanted is None and not rounds.by_wrapper:
        return ServedRounds(None, _note_on_all(rounds))
    count = _best_count(rounds, name)
    if count == rounds.total:
        return ServedRounds(None, None)
    note = (
        f"The first {count} of {rounds.total} rounds are served, as predict of the scikit-learn wrapper answers that "
        f"saved the file; {ALL}."
    )
    return ServedRounds(count, note if wanted is None else None)


def _note_on_all(rounds: Rounds) -> str | None:
    if rounds.best == str(rounds.total - 1):
        return None
    return (
        f"All {rounds.total} rounds are served, as Booster.predict answers, although best_iteration is {rounds.best}; "
        f"{BEST}."
    )


def _best_count(rounds: Rounds, name: str) -> int:
    """Return the number of rounds up to the best one. Raises CheckpointRejected."""
    text = str(rounds.best)
    if rounds.trees_a_round is None:
        raise CheckpointRejected(
            f"{name} was saved by a version of XGBoost that did not write how many trees a round has, so the rounds up "
            f"to best_iteration ({text[:40]}) cannot be told: {ALL}, or train the model again with a newer version."
        )
    count = (int(text) + 1) * rounds.trees_a_round if text.isascii() and text.isdigit() else 0
    if not 0 < count <= rounds.total:
        raise CheckpointRejected(
            f"{name} has {rounds.total} rounds, and its best_iteration is {text[:40]!r}, which is none of them (they "
            f"are counted from 0): {ALL}, or save the model again after training."
        )
    return count


def rounds_of(document: Mapping[str, Any], *, groups: int) -> Rounds:
    """Return the rounds of an XGBoost model document whose trees were checked.

    `groups` is the number of trees that one round adds for one parallel tree.
    """
    learner = document["learner"]
    booster = learner["gradient_booster"]
    model = booster["gbtree"]["model"] if booster["name"] == "dart" else booster["model"]
    attributes = learner.get("attributes", {})
    parallel = model["gbtree_model_param"].get("num_parallel_tree")
    best = attributes.get("best_iteration")
    starts = model.get("iteration_indptr")
    return Rounds(
        total=len(starts) - 1 if starts else len(model["trees"]) // (groups * int(parallel or 1)),
        best=None if best is None else str(best),
        by_wrapper=ATTRIBUTE in attributes,
        trees_a_round=1 if parallel is not None else _parallel_trees(wrapper_parameters(attributes)),
    )


def _parallel_trees(parameters: Mapping[str, Any]) -> int | None:
    """Return `num_parallel_tree` from a wrapper's parameters; None where it is not there."""
    number = parameters.get("num_parallel_tree", 0)
    return 1 if number is None else number if isinstance(number, int) and number > 0 else None
