"""Requests that bring the inputs of the model as numbers."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import Manifest
from model_tools.formats.requests import NUMBER_FIELDS
from model_tools.formats.sections import InputSpec
from model_tools.tasks.requests.form import EventInputs, RequestForm

MAX_MADE_UP_NUMBERS = 200_000
"""The largest number of values in a made-up event; as JSON they stay well below Lambda's limit of 6 MB."""


class NumberRequests(RequestForm):
    """Requests that bring nested lists: `input` for a model's only input, `inputs` for each of several."""

    def fields(self, manifest: Manifest) -> tuple[str, ...]:
        """Return the fields that bring numbers."""
        return NUMBER_FIELDS if len(manifest.inputs) == 1 else NUMBER_FIELDS[1:]

    def inputs(self, event: Mapping[str, Any], manifest: Manifest) -> EventInputs | None:
        """Return the nested lists of an event, one for each input."""
        if len(manifest.inputs) == 1 and "inputs" not in event:
            return EventInputs([event.get("input")])
        values = event.get("inputs")
        return EventInputs(values if isinstance(values, list) else [])

    def made_up(self, manifest: Manifest, vocabulary: Sequence[str], chance: Random) -> dict[str, object]:  # noqa: ARG002
        """Return an event with numbers in the range of each input, whose named axes have their smallest size."""
        values = made_up_numbers(manifest, chance)
        return {"input": values[0]} if len(values) == 1 else {"inputs": values}


def made_up_numbers(manifest: Manifest, chance: Random) -> list[object]:
    """Return nested lists for each input. Raises ManifestInvalid for more than MAX_MADE_UP_NUMBERS values."""
    sizes = {
        axis: manifest.axis_sizes(axis).min for spec in manifest.inputs for axis in spec.shape if isinstance(axis, str)
    }
    shapes = [[sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape] for spec in manifest.inputs]
    if sum(math.prod(shape) for shape in shapes) > MAX_MADE_UP_NUMBERS:
        raise ManifestInvalid(
            f"inputs: a sample with more than {MAX_MADE_UP_NUMBERS:,} numbers is not made up: add one under samples."
        )
    return [_nested(shape, spec, chance) for spec, shape in zip(manifest.inputs, shapes, strict=True)]


def _nested(shape: list[int], spec: InputSpec, chance: Random) -> object:
    if shape:
        return [_nested(shape[1:], spec, chance) for _ in range(shape[0])]
    if spec.dtype == "bool":
        return chance.random() < 0.5  # noqa: PLR2004 (a fair coin)
    low, high = spec.range or (0, 1)
    if spec.dtype in ("int64", "int32", "uint8"):
        return chance.randint(math.ceil(low), math.floor(high))
    return round(chance.uniform(low, high) if spec.range else chance.gauss(0, 1), 4)
