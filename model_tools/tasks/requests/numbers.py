"""Requests that bring the inputs of the model as numbers."""

import math
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from model_tools.errors import ManifestInvalid
from model_tools.formats.batch_axis import BATCH_AXIS, batch_place, without_axis
from model_tools.formats.manifest import Manifest
from model_tools.formats.requests import NUMBER_FIELDS
from model_tools.formats.sections import AxisSizes, InputSpec
from model_tools.tasks.requests.form import EventInputs, RequestForm

MAX_MADE_UP_NUMBERS = 200_000
"""The largest number of values in a made-up event; as JSON they stay well below Lambda's limit of 6 MB."""

INTEGERS = ("int64", "int32", "uint8", "bool")
MASK_NUMBERS = 2
"""The least length of a row of a mask that masks something and leaves something."""
USUAL_ROWS = 2
"""The rows of a made-up batch, if the model takes so many."""


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

    def made_up(self, manifest: Manifest, vocabulary: Sequence[str], chance: Random) -> dict[str, dict[str, object]]:  # noqa: ARG002
        """Return events with numbers in the range of each input: a batch, and a single row without the batch axis."""
        rows = made_up_numbers(manifest, chance, rows=USUAL_ROWS)
        row = single_row(manifest, made_up_numbers(manifest, chance, rows=1))
        events: dict[str, dict[str, object]] = {"inputs": {"inputs": rows}}
        if len(manifest.inputs) == 1:
            events = {"input": {"input": rows[0]}, **events}
        if row is not None:
            events["one row"] = {"input": row[0]} if len(row) == 1 else {"inputs": row}
        return events


def made_up_numbers(manifest: Manifest, chance: Random, *, rows: int) -> list[object]:
    """Return nested lists for each input, with `rows` rows if the model takes so many.

    The other named axes have their smallest sizes, or 2, so that a mask has room for both of its values. Raises
    ManifestInvalid for more than MAX_MADE_UP_NUMBERS values.
    """
    axes = [axis for spec in manifest.inputs for axis in spec.shape if isinstance(axis, str)]
    sizes = {axis: _size(manifest.axis_sizes(axis), 1 if axis == BATCH_AXIS else MASK_NUMBERS) for axis in axes}
    shapes = _shapes(manifest, sizes)
    if BATCH_AXIS in sizes:
        bounds = manifest.axis_sizes(BATCH_AXIS)
        more = _shapes(manifest, {**sizes, BATCH_AXIS: _size(bounds, rows)})
        shapes = more if _numbers(more) <= MAX_MADE_UP_NUMBERS else shapes
    if _numbers(shapes) > MAX_MADE_UP_NUMBERS:
        raise ManifestInvalid(
            f"inputs: a sample with more than {MAX_MADE_UP_NUMBERS:,} numbers is not made up: add one under samples."
        )
    return [_made_up(shape, spec, chance) for spec, shape in zip(manifest.inputs, shapes, strict=True)]


def single_row(manifest: Manifest, batch: Sequence[object]) -> list[object] | None:
    """Return the inputs of a batch of one row without the batch axis; None for a model that does not take them so."""
    places = [batch_place(spec.shape) for spec in manifest.inputs]
    if all(place is None for place in places) or manifest.axis_sizes(BATCH_AXIS).min > 1:
        return None
    return [
        values if place is None else without_axis(values, place) for values, place in zip(batch, places, strict=True)
    ]


def _size(bounds: AxisSizes, wanted: int) -> int:
    return max(bounds.min, min(wanted, bounds.max))


def _shapes(manifest: Manifest, sizes: Mapping[str, int]) -> list[list[int]]:
    return [[sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape] for spec in manifest.inputs]


def _numbers(shapes: Sequence[Sequence[int]]) -> int:
    return sum(math.prod(shape) for shape in shapes)


def _made_up(shape: list[int], spec: InputSpec, chance: Random) -> object:
    if len(shape) > 1:
        rows = [_made_up(shape[1:], spec, chance) for _ in range(shape[0])]
        if len(shape) == 2 and shape[1] >= MASK_NUMBERS:  # noqa: PLR2004 (the rows of the last axis)
            for row in rows:
                _keep_from_masking_all(row, spec, chance)
        return rows
    return [_number(spec, chance) for _ in range(shape[0])] if shape else _number(spec, chance)


def _keep_from_masking_all(row: object, spec: InputSpec, chance: Random) -> None:
    """Let a row of a mask or of padded ids begin above the smallest number and end with it, as requests do."""
    low, high = _integers(spec)
    if isinstance(row, list) and low < high:
        row[0], row[-1] = _as_given(spec, chance.randint(low + 1, high)), _as_given(spec, low)


def _integers(spec: InputSpec) -> tuple[int, int]:
    """Return the smallest and the largest integer; the same number twice for floats."""
    if spec.dtype not in INTEGERS:
        return 0, 0
    low, high = spec.range or (0, 1)
    return math.ceil(low), math.floor(high)


def _as_given(spec: InputSpec, number: int) -> int | bool:
    return bool(number) if spec.dtype == "bool" else number


def _number(spec: InputSpec, chance: Random) -> object:
    if spec.dtype in INTEGERS:
        return _as_given(spec, chance.randint(*_integers(spec)))
    low, high = spec.range or (0, 1)
    return round(chance.uniform(low, high) if spec.range else chance.gauss(0, 1), 4)
