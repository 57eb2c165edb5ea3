"""The inputs of the state machines' executions: requests to publish and to retrain."""

import re
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from model_tools.errors import RequestInvalid
from model_tools.formats.manifest import explain
from model_tools.formats.s3_keys import key_problem

Percent = Annotated[int, Field(ge=1, le=99)]
Request = TypeVar("Request", bound=BaseModel)
DAY = 24 * 60 * 60
"""The seconds of a day."""
LONGEST_ROLLOUT = 7 * DAY
"""Seconds of all bakes together.

They must end well within the state machine's time limit of 30 days, whose end no state can catch, and within the eight
days of metrics by which a canary is judged (`model_tools.aws.metrics.LOOK_BACK`).
"""


def _check_s3_uri(value: str) -> str:
    found = re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/(.+)", value, re.DOTALL)
    if not found:
        raise ValueError(f"{value!r} is not of the form s3://bucket/folder/ or s3://bucket/key")
    problem = key_problem(found[1])
    if problem:
        raise ValueError(problem)
    return value


S3Uri = Annotated[str, AfterValidator(_check_s3_uri)]


class Rollout(BaseModel):
    """The steps by which a new version gets the traffic: by default 10 %, 50 %, then all, five minutes apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: Literal["canary", "all-at-once"] = "canary"
    steps: list[Percent] = Field(default=[10, 50], max_length=20)
    """The version's rising shares of the traffic, in percent; after the last step it gets all traffic."""
    bake_seconds: Annotated[int, Field(ge=0, le=DAY)] = 300
    """The seconds for which the version keeps each share before it is judged."""

    @model_validator(mode="before")
    @classmethod
    def _no_steps_all_at_once(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("strategy") == "all-at-once":
            if data.get("steps"):
                raise ValueError("all-at-once has no steps: remove steps, or choose strategy canary")
            return {**data, "steps": []}
        return data

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.strategy == "canary" and not self.steps:
            raise ValueError("canary needs at least one step, such as 10; or choose strategy all-at-once")
        if any(later <= earlier for earlier, later in zip(self.steps, self.steps[1:], strict=False)):
            raise ValueError(f"steps must rise, such as [10, 50]; they are {self.steps}")
        if len(self.steps) * self.bake_seconds > LONGEST_ROLLOUT:
            raise ValueError(
                f"{len(self.steps)} steps of {self.bake_seconds:,} s each take longer than the seven days that a "
                "rollout may take: choose fewer steps, or a shorter bake_seconds"
            )
        return self


class PublishRequest(BaseModel):
    """The execution input of `publish_model`; only `model_uri` is required."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model_uri: S3Uri
    rollout: Rollout = Rollout()
    requested_by: Annotated[str, Field(max_length=200)] = "unknown"
    started_by_execution: Annotated[str | None, Field(alias="AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID")] = None
    """The ARN of the execution that started this one; AWS's console links the two by it."""


def parse_request(data: object) -> PublishRequest:
    """Return the request that an execution's input holds. Raises RequestInvalid naming each field and the remedy."""
    return _parse(PublishRequest, data)


class RetrainRequest(BaseModel):
    """The execution input of `retrain_model`; only `trainer_uri` is required."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trainer_uri: S3Uri
    """A folder with train.py, which runs as `python train.py --output FOLDER` and must write a publishable folder."""
    arguments: list[str] = []
    """Further arguments of train.py."""
    rollout: Rollout = Rollout()
    requested_by: Annotated[str, Field(max_length=200)] = "retraining"


def parse_retrain_request(data: object) -> RetrainRequest:
    """Return the request that an execution's input holds. Raises RequestInvalid naming each field and the remedy."""
    return _parse(RetrainRequest, data)


def _parse(kind: type[Request], data: object) -> Request:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise RequestInvalid(explain(error, "the execution's input", {"": kind, "rollout": Rollout})) from error
