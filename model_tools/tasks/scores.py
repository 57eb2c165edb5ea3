"""Decides whether a classifier answers logits or probabilities, by its answers during the proof. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_tools.errors import ManifestInvalid, TraceFailed
from model_tools.formats.sections import Scores
from model_tools.tasks.answers import AnsweredCase, ObservedValues

SUM_TOLERANCE = 4e-3
"""The largest difference of a sum of probabilities from 1: twice the rounding of bfloat16, whatever the number."""
SQUASHING = ("sigmoid", "hardsigmoid", "softmax")
"""The operators whose values are probabilities, so that a model that ends in one answers no logits."""


@dataclass(frozen=True)
class ScoresFound:
    """The meaning of a classifier's outputs, and the reason for it."""

    scores: Scores
    note: str
    """A sentence for the evidence."""


@dataclass(frozen=True)
class _Observed:
    """The values of all answers of the proof together."""

    width: int
    cases: int
    smallest: float
    largest: float
    row_sums: tuple[float, float]
    row_sums_of_exponentials: tuple[float, float] | None
    last_operator: str

    @property
    def within_bounds(self) -> bool:
        return self.smallest >= 0 and self.largest <= 1 + SUM_TOLERANCE

    @property
    def sums_to_one(self) -> bool:
        return _is_one(self.row_sums)

    @property
    def are_log_probabilities(self) -> bool:
        sums = self.row_sums_of_exponentials
        return self.width > 1 and sums is not None and _is_one(sums)

    @property
    def are_shares(self) -> bool:
        """All rows have the same sum, beyond 1, as percentages have."""
        low, high = self.row_sums
        alike = self.smallest >= 0 and high - low <= SUM_TOLERANCE * high
        return self.width > 1 and alike and not self.within_bounds

    @property
    def told(self) -> str:
        low, high = (f"{total:.4g}" for total in self.row_sums)
        sums = low if low == high else f"between {low} and {high}"
        rows = "" if self.width == 1 else f", and the {self.width} values of a row sum to {sums}"
        cases = "1 case" if self.cases == 1 else f"{self.cases} cases"
        return f"in {cases} all values lie from {self.smallest:.4g} to {self.largest:.4g}{rows}"


def find_scores(
    cases: Sequence[AnsweredCase], declared: Scores | None, *, last_operator: str = "", otherwise: str
) -> ScoresFound:
    """Return the meaning of a classifier's outputs, whose classes lie along the last axis.

    `last_operator` is the operator that computes the outputs, such as `sigmoid`; it is empty if that is not known.
    `otherwise` is the way to publish a model that is no classifier of one class for each row. Raises TraceFailed if the
    meaning is doubtful and not declared, ManifestInvalid if the declared one contradicts the answers.
    """
    observed = _observe(cases, last_operator)
    if observed is None:
        return ScoresFound(declared or "logits", "no answer had finite values, so nothing was told from them")
    if observed.width == 1:
        return _of_one_value(observed, declared, otherwise)
    return _of_several_values(observed, declared, otherwise)


def _of_several_values(observed: _Observed, declared: Scores | None, otherwise: str) -> ScoresFound:
    told = observed.told
    if observed.within_bounds and observed.sums_to_one:
        if declared == "logits":
            raise ManifestInvalid(
                f"scores: publish.yaml says logits, and the model answers probabilities: {told}. Remove scores, or "
                "write scores: probabilities; or let forward end before the softmax."
            )
        return ScoresFound("probabilities", f"{told}: these are probabilities, to which no softmax is applied again")
    if declared == "probabilities":
        raise ManifestInvalid(
            f"scores: publish.yaml says probabilities, and the model's answers are none: {told}; probabilities lie "
            f"from 0 to 1 and sum to 1. {_remedy(observed, otherwise)}"
        )
    if observed.are_log_probabilities:
        return ScoresFound("logits", f"{told}: these are log-probabilities, and a softmax makes them probabilities")
    if observed.last_operator in SQUASHING and observed.within_bounds:
        raise TraceFailed(
            f"The model answers probabilities that do not sum to 1: {told}. {_remedy(observed, otherwise)}"
        )
    if declared is None and (observed.within_bounds or observed.are_shares):
        raise TraceFailed(
            f"It cannot be told whether the model answers logits or probabilities: {told}. Logits lie beyond 0 and 1 "
            f"as a rule, and the probabilities of classes sum to 1. {_remedy(observed, otherwise)}"
        )
    return ScoresFound("logits", f"{told}: these are logits, which a softmax makes probabilities")


def _remedy(observed: _Observed, otherwise: str) -> str:
    if observed.last_operator == "softmax":
        return (
            "It ends in a softmax, whose values sum to 1 along another axis, or of which some are left out: apply it "
            "along the axis of the classes (dim=-1), and leave no class out."
        )
    if observed.last_operator in SQUASHING:
        return (
            f"It ends in a {observed.last_operator}, so each value is the probability of a label of its own, and "
            f"several labels may be right at once. If exactly one is right, let forward end before the "
            f"sigmoid; else {_lower(otherwise)}"
        )
    if observed.are_shares:
        return "Let forward divide the values of each row by their sum, and write scores: probabilities."
    return (
        "If they are logits, write scores: logits. If each value is the probability of a label of its own, "
        f"{_lower(otherwise)}"
    )


def _of_one_value(observed: _Observed, declared: Scores | None, otherwise: str) -> ScoresFound:
    told, sigmoid = observed.told, "a sigmoid makes them the probability of the second class"
    if observed.last_operator == "softmax" and _is_one((observed.smallest, observed.largest)):
        raise TraceFailed(
            "The model ends in a softmax over a single value, which is 1 for every input: let forward return the value "
            "before the softmax, or train a model of two values."
        )
    squashed = observed.last_operator in SQUASHING
    if not observed.within_bounds:
        if declared == "probabilities":
            raise ManifestInvalid(
                f"scores: publish.yaml says probabilities, and the model's answers are none: {told}; probabilities lie "
                "from 0 to 1. If they are logits, remove scores."
            )
        return ScoresFound("logits", f"{told}: these are logits, and {sigmoid}")
    if squashed and declared == "logits":
        raise ManifestInvalid(
            f"scores: publish.yaml says logits, and the model ends in a {observed.last_operator}: {told}. Remove "
            "scores, or write scores: probabilities."
        )
    if declared == "logits":
        return ScoresFound("logits", f"{told}, and publish.yaml says that these are logits: {sigmoid}")
    if declared == "probabilities" or squashed:
        reason = "publish.yaml says so" if declared else f"the model ends in a {observed.last_operator}"
        return ScoresFound("probabilities", f"{told}: these are probabilities of the second class, since {reason}")
    raise TraceFailed(
        f"It cannot be told whether the model answers logits or probabilities of the second class: {told}. Write "
        "scores: probabilities if forward ends in a sigmoid or the like, and scores: logits if it does not. If the "
        f"value is no score of two classes, {_lower(otherwise)}"
    )


def _observe(cases: Sequence[AnsweredCase], last_operator: str) -> _Observed | None:
    values = [found for case in cases if (found := case.first.values) is not None and found.row_sums is not None]
    if not values:
        return None
    shape = cases[0].first.shape
    return _Observed(
        width=shape[-1] if len(shape) > 1 else 1,
        cases=len(values),
        smallest=min(each.smallest for each in values),
        largest=max(each.largest for each in values),
        row_sums=_span([each.row_sums for each in values if each.row_sums is not None]),
        row_sums_of_exponentials=_all_exponentials(values),
        last_operator=last_operator,
    )


def _all_exponentials(values: Sequence[ObservedValues]) -> tuple[float, float] | None:
    found = [each.row_sums_of_exponentials for each in values]
    known = [sums for sums in found if sums is not None]
    return _span(known) if len(known) == len(found) else None


def _span(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in spans), max(high for _, high in spans)


def _is_one(span: tuple[float, float]) -> bool:
    return 1 - SUM_TOLERANCE <= span[0] <= span[1] <= 1 + SUM_TOLERANCE


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
