"""A line of `samples.jsonl`: an event for the new version, and the expectation that its answer must meet.

Packaging writes the file, the smoke test reads it.
"""

from math import inf
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

DEFAULT_TOLERANCE = 1e-3
"""The largest absolute difference of a number that a sample without a `tolerance` of its own allows."""


def _require_tolerance(value: object) -> object:
    if value is None or _is_tolerance(value):
        return value
    raise ValueError("must be a number from 0, or nested lists of such numbers")


def _is_tolerance(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_tolerance, value))
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf


def _fits(tolerance: object, output: object) -> bool:
    """Tell whether nested lists say what is allowed for each number of an output."""
    if not isinstance(tolerance, list):
        return True
    return isinstance(output, list) and len(output) == len(tolerance) and all(map(_fits, tolerance, output))


class Expectation(BaseModel):
    """The fields that a sample's answer must have; a field that is not set is not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    class_name: Annotated[str | None, Field(alias="class")] = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    output: list[Any] | None = None
    """Nested lists of numbers."""
    answer: dict[str, Any] | None = None
    """Fields that the answer must have, with their values; further fields of the answer are not checked."""
    tolerance: Annotated[float | list[Any] | None, BeforeValidator(_require_tolerance)] = None
    """The largest absolute difference of a number from `output` or `answer`; 0.001 when it is not set.

    Nested lists say it for each number of `output`, in the same form; a number stands for all that lies below it.
    """

    @model_validator(mode="after")
    def _tolerance_fits_the_output(self) -> Self:
        if isinstance(self.tolerance, list):
            if self.output is None:
                raise ValueError("tolerance is a list, which says it for each number of output: add output")
            if not _fits(self.tolerance, self.output):
                raise ValueError("tolerance must be one number, or nested lists as long as those of output")
        return self

    @property
    def output_tolerance(self) -> float | list[Any]:
        """The tolerance of `output`."""
        return DEFAULT_TOLERANCE if self.tolerance is None else self.tolerance

    @property
    def answer_tolerance(self) -> float:
        """The tolerance of the numbers in `answer`."""
        return self.tolerance if isinstance(self.tolerance, float) else DEFAULT_TOLERANCE


class Sample(BaseModel):
    """A sample file's contents and its name: a line of samples.jsonl."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    event: dict[str, Any]
    expect: Expectation = Expectation()
