"""A line of `samples.jsonl`: an event for the new version, and the expectation that its answer must meet.

Packaging writes the file, the smoke test reads it.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_TOLERANCE = 1e-3
"""The largest absolute difference of a number that a sample without a `tolerance` of its own allows."""


class Expectation(BaseModel):
    """The fields that a sample's answer must have; a field that is not set is not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    class_name: Annotated[str | None, Field(alias="class")] = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    output: list[Any] | None = None
    """Nested lists of numbers."""
    answer: dict[str, Any] | None = None
    """Fields that the answer must have, with their values; further fields of the answer are not checked."""
    tolerance: Annotated[float, Field(ge=0)] | None = None
    """The largest absolute difference of a number from `output` or `answer`; 0.001 when it is not set."""


class Sample(BaseModel):
    """A sample file's contents and its name: a line of samples.jsonl."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    event: dict[str, Any]
    expect: Expectation = Expectation()
