"""Checks the events of samples against the form of the model's requests, and reads their numbers for the proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model_tools.errors import ManifestInvalid
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
    shapes = [_shape(value) for value in found.values]
    sizes: dict[str, int] = {}
    for index, (input_spec, shape) in enumerate(zip(inputs, shapes, strict=True)):
        problem = _shape_problem(input_spec, shape, manifest, sizes)
        if problem:
            raise ManifestInvalid(
                f"{sample.name}: input {index} {problem}: correct the sample or the manifest's inputs."
            )
    return TensorEvent(sample.name, found.values, shapes, found.is_plain and spec.answers_outputs)


def _shape(value: object) -> list[int]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _shape_problem(spec: InputSpec, shape: list[int], manifest: Manifest, sizes: dict[str, int]) -> str:
    fits = len(shape) == len(spec.shape)
    for axis, size in zip(spec.shape, shape, strict=False):
        if isinstance(axis, int):
            fits = fits and size == axis
        else:
            bounds = manifest.axis_sizes(axis)
            fits = fits and bounds.min <= size <= bounds.max and sizes.setdefault(axis, size) == size
    return "" if fits else f"has the shape {shape}, publish.yaml says {spec.shape}"
