"""What is known of each way to ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from model_tools.formats.manifest import Manifest


@dataclass(frozen=True)
class EventInputs:
    """The numbers of an event as the inputs of the model."""

    values: list[Any]
    """Nested lists, one for each input."""
    is_plain: bool = True
    """The event asks for the outputs as they are, not for what a task makes of them."""


class RequestForm:
    """A way to ask. This one fits a model whose own code says what it takes: nothing is known of it."""

    def fields(self, manifest: Manifest) -> tuple[str, ...]:  # noqa: ARG002 (other forms depend on it)
        """Return the fields of which a request brings one; none where anything may come."""
        return ()

    def problem(self, manifest: Manifest) -> str | None:  # noqa: ARG002
        """Tell what does not fit between the inputs of the model and what such requests bring."""
        return None

    def inputs(self, event: Mapping[str, Any], manifest: Manifest) -> EventInputs | None:  # noqa: ARG002
        """Return the numbers that an event brings, for the parity proof; None where it brings none as such."""
        return None

    def made_up(self, manifest: Manifest, vocabulary: Sequence[str], chance: Random) -> dict[str, object] | None:  # noqa: ARG002
        """Return an event that any model of this manifest must be able to answer; None where nobody can know one.

        `vocabulary` holds the source tokens of a model of text. Raises ManifestInvalid for one that would be large.
        """
        return None
