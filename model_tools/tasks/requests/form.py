"""The interface of all forms of requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from model_tools.formats.manifest import Manifest


@dataclass(frozen=True)
class EventInputs:
    """The model's inputs that an event holds as numbers."""

    values: list[Any]
    """Nested lists, one for each input of the model."""
    is_plain: bool = True
    """The event asks for the model's unchanged outputs, not for an answer that the task makes of them."""


class RequestForm:
    """The form of requests. This base class knows nothing of them: it fits a model whose own code reads requests."""

    def fields(self, manifest: Manifest) -> tuple[str, ...]:  # noqa: ARG002 (other forms depend on it)
        """Return the fields of which a request must bring one; empty where requests may hold anything."""
        return ()

    def problem(self, manifest: Manifest) -> str | None:  # noqa: ARG002
        """Return why the model's inputs do not fit what such requests bring; None when they fit."""
        return None

    def inputs(self, event: Mapping[str, Any], manifest: Manifest) -> EventInputs | None:  # noqa: ARG002
        """Return the model's inputs that an event holds as numbers, for the parity proof; None where it holds none."""
        return None

    def expected(self, event: Mapping[str, Any], output: list[Any]) -> dict[str, Any] | None:  # noqa: ARG002
        """Return the fields of the answer to an event, made of the model's output; None where they are not known."""
        return None

    def made_up(self, manifest: Manifest, vocabulary: Sequence[str], chance: Random) -> dict[str, dict[str, object]]:  # noqa: ARG002
        """Return events that any model with this manifest must be able to answer, by the form of each; none if unknown.

        There is one for each form that the documentation shows, the plainest first. `vocabulary` holds the source
        tokens of a model of text, `chance` chooses the values. Raises ManifestInvalid for a manifest from which no
        event can be made.
        """
        return {}
