"""The rollout policy: the candidate's next share of the traffic, by what the alias and the metrics say.

A rollout is a fixed sequence of traffic splits. Position 0 gives everything to the champion (the version that was live
before), the last position everything to the candidate. What the alias really says is compared with that sequence, so
a lost answer to an update is told from an update that never happened and from somebody else's decision.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NewType

from model_tools.errors import AliasChanged, CanaryFailed

Version = NewType("Version", str)
"""A published version's number, as Lambda writes it: '7'."""
ALL = 100
"""All of the traffic, in percent."""


@dataclass(frozen=True)
class Split:
    """The shares of an alias' traffic that versions get."""

    primary: Version
    weights: tuple[tuple[Version, float], ...] = ()
    """Additional versions and their shares, 0…1."""

    def shares(self) -> dict[str, float]:
        """Return each version's share, 0…1, the primary's first; they add up to 1."""
        rest = round(1 - sum(share for _, share in self.weights), 6)
        return {self.primary: rest, **dict(self.weights)}

    def to_alias(self) -> dict[str, object]:
        """Return the split as UpdateAlias takes it."""
        return {
            "FunctionVersion": self.primary,
            "RoutingConfig": {"AdditionalVersionWeights": dict(self.weights)},
        }


@dataclass(frozen=True)
class RolloutPlan:
    """The traffic splits of one rollout, from the champion alone to the candidate alone."""

    champion: Version
    candidate: Version
    steps: tuple[int, ...]
    """The candidate's shares on the way, in percent, rising."""

    @property
    def last(self) -> int:
        """The position at which the candidate has all traffic."""
        return len(self.steps) + 1

    def weight(self, position: int) -> int:
        """Return the candidate's share at a position, in percent."""
        return (0, *self.steps, ALL)[position]

    def split(self, position: int) -> Split:
        """Return the alias' split at a position."""
        if position == self.last:
            return Split(self.candidate)
        if position == 0:
            return Split(self.champion)
        return Split(self.champion, ((self.candidate, self.weight(position) / ALL),))


@dataclass(frozen=True)
class Evidence:
    """The users' requests that the candidate had through the alias so far."""

    invocations: int
    errors: int
    """The invocations among them that failed."""


@dataclass(frozen=True)
class Verdict:
    """The next move of a rollout: `advance` to `position`, or it is `done`."""

    kind: Literal["advance", "done"]
    position: int


def plan_rollout(*, champion: Version, candidate: Version, steps: Sequence[int], bootstrap: Version) -> RolloutPlan:
    """Return the plan; the first release has no champion worth a canary, so it gets all traffic at once."""
    return RolloutPlan(champion, candidate, () if champion == bootstrap else tuple(steps))


def judge(plan: RolloutPlan, position: int, actual: Split, evidence: Evidence) -> Verdict:
    """Return the verdict after the bake at a position.

    Raises AliasChanged when the alias has neither this position's split nor the one before (an update that never
    happened), CanaryFailed when the candidate failed requests.
    """
    if position > 0 and actual == plan.split(position - 1):
        return Verdict("advance", position)
    if actual != plan.split(position):
        raise AliasChanged(
            f"The alias should give {_describe(plan.split(position))}, but somebody changed it to "
            f"{_describe(actual)}. Their decision stands and this publication ends: find out who moved it (CloudTrail: "
            "UpdateAlias), then publish again."
        )
    if evidence.errors:
        raise CanaryFailed(
            f"Version {plan.candidate} failed {evidence.errors} of {evidence.invocations} requests at "
            f"{plan.weight(position)} % of the traffic. All traffic is back on version {plan.champion}. Read the "
            f"function's logs of version {plan.candidate}, mend the model and publish again."
        )
    if position == plan.last:
        return Verdict("done", position)
    return Verdict("advance", position + 1)


def _describe(split: Split) -> str:
    shares = split.shares().items()
    return " and ".join(f"{round(share * ALL, 2):g} % to version {version}" for version, share in shares)
