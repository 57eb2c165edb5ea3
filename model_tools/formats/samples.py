"""A line of `samples.jsonl`: what a new version is asked, and what its answer must be.

Packaging writes it, the smoke test reads it.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

DEFAULT_TOLERANCE = 1e-3


class Expectation(BaseModel):
    """What a sample's answer must be; what is not named is not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    class_name: Annotated[str | None, Field(alias="class")] = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    output: list[Any] | None = None
    """Nested lists of numbers."""
    answer: dict[str, Any] | None = None
    """Fields that the answer must have, with their values; other fields are not looked at."""
    tolerance: Annotated[float, Field(ge=0)] | None = None
    """Largest absolute difference of a number from `output` or `answer`; 0.001 without it."""


class Sample(BaseModel):
    """One sample file, and one line of samples.jsonl."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    event: dict[str, Any]
    expect: Expectation = Expectation()
