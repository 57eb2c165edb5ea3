"""Checks the events of samples against the form of the model's requests, and reads their numbers for the proof."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_tools.errors import ManifestInvalid
from model_tools.formats.batch_axis import MixedRanks, batch_place, lacks_batch, rank_of, with_axis
from model_tools.formats.manifest import Manifest
from model_tools.formats.requests import BATCH_FIELD
from model_tools.formats.samples import Sample
from model_tools.formats.sections import InputSpec
from model_tools.tasks.registry import spec_of


@dataclass(frozen=True)
class TensorEvent:
    """The inputs of the model that a sample's event holds."""

    name: str
    """The sample's name."""
    inputs: list[Any]
    """Nested lists, one for each input of the model."""
    shapes: list[list[int]]
    """The shape of each input."""
    is_answered_plainly: bool
    """The answer's field `output` holds the model's unchanged outputs."""
    is_single: bool = False
    """The event brings a single row without the batch axis, which is left out of the answer too."""


def check_event(sample: Sample, manifest: Manifest) -> None:
    """Raise ManifestInvalid unless the event has one of the fields that requests to the task must have."""
    fields = spec_of(manifest.task).request_form(manifest).fields(manifest)
    events = sample.event.get(BATCH_FIELD, [sample.event])
    if not isinstance(events, list) or not all(isinstance(event, Mapping) for event in events):
        raise ManifestInvalid(f"{sample.name}: requests must be a list of events: correct it.")
    for event in events:
        if fields and not any(field in event for field in fields):
            quoted = " or ".join(repr(field) for field in fields)
            raise ManifestInvalid(
                f"{sample.name}: the event has no {quoted}, which a request to a model of task {manifest.task} brings: "
                "add it."
            )


def tensor_event(sample: Sample, manifest: Manifest) -> TensorEvent | None:
    """Return the inputs that an event holds as numbers; None for an event that holds none.

    Raises ManifestInvalid for inputs whose shapes do not fit the manifest.
    """
    spec, inputs = spec_of(manifest.task), manifest.inputs
    if BATCH_FIELD in sample.event:
        return None
    found = spec.request_form(manifest).inputs(sample.event, manifest)
    if found is None:
        return None
    if len(found.values) != len(inputs):
        raise ManifestInvalid(f"{sample.name}: the event's inputs must be a list of {len(inputs)} nested lists.")
    values, single = _with_batch(found.values, inputs, sample.name)
    shapes = [_shape(value) for value in values]
    sizes: dict[str, int] = {}
    for index, (input_spec, shape) in enumerate(zip(inputs, shapes, strict=True)):
        if not _shape_fits(input_spec, shape, manifest, sizes):
            raise ManifestInvalid(
                f"{sample.name}: input {index} has the shape {_shape(found.values[index])}, publish.yaml says "
                f"{input_spec.shape}: correct the sample or the manifest's inputs."
            )
    return TensorEvent(sample.name, values, shapes, found.is_plain and spec.answers_outputs, single)


def _with_batch(values: list[Any], inputs: Sequence[InputSpec], name: str) -> tuple[list[Any], bool]:
    """Return the inputs with the batch axis, and whether the event left it out."""
    shapes = [spec.shape for spec in inputs]
    try:
        single = lacks_batch(shapes, [rank_of(value) for value in values])
    except MixedRanks:
        raise ManifestInvalid(
            f"{name}: some inputs have the batch axis and others lack it: give it to all of them or to none."
        ) from None
    if not single:
        return values, False
    return [with_axis(value, place) for value, place in zip(values, map(batch_place, shapes), strict=True)], True


def _shape(value: object) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _shape_fits(spec: InputSpec, shape: list[int], manifest: Manifest, sizes: dict[str, int]) -> bool:
    fits = len(shape) == len(spec.shape)
    for axis, size in zip(spec.shape, shape, strict=False):
        if isinstance(axis, int):
            fits = fits and size == axis
        else:
            bounds = manifest.axis_sizes(axis)
            fits = fits and bounds.min <= size <= bounds.max and sizes.setdefault(axis, size) == size
    return fits
