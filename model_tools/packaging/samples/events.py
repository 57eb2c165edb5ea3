"""What a sample's event asks a model: checked by the kind of its task, and its numbers found for the parity proof."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import Manifest
from model_tools.formats.samples import Sample
from model_tools.formats.sections import InputSpec

BATCH = "requests"
"""Holds several events, which are answered in order."""
IMAGE_FIELDS = ("image", "url", "input_url")
TEXT_FIELDS = ("text", "texts")
NUMBER_FIELDS = ("input", "inputs")
TABLE_FIELDS = ("input_X", *NUMBER_FIELDS)


@dataclass(frozen=True)
class TensorEvent:
    """A sample's event as the model's inputs: nested lists, one for each input."""

    name: str
    inputs: list[Any]
    shapes: list[list[int]]
    answered_as: Literal["output"] | None
    """The field of an answer that holds just what the model answers to them."""


def check_event(sample: Sample, manifest: Manifest) -> None:
    """Raise ManifestInvalid unless the event has one of the fields that the task's requests have."""
    fields = request_fields(manifest)
    events = sample.event.get(BATCH, [sample.event])
    if not isinstance(events, list) or not all(isinstance(event, Mapping) for event in events):
        raise ManifestInvalid(f"{sample.name}: requests must be a list of events: correct it.")
    for event in events:
        if fields and not any(field in event for field in fields):
            quoted = " or ".join(repr(field) for field in fields)
            raise ManifestInvalid(
                f"{sample.name}: the event has no {quoted}, which a request to a model of task {manifest.task} brings: "
                "add it."
            )


def request_fields(manifest: Manifest) -> tuple[str, ...]:
    """Return the fields of which a request brings one; none where the model's own code says what it takes."""
    if manifest.task == "custom":
        return ()
    if manifest.preprocess is not None:
        return IMAGE_FIELDS
    if manifest.text is not None:
        return TEXT_FIELDS
    if len(manifest.inputs) > 1:
        return ("inputs",)
    return TABLE_FIELDS if manifest.task == "tabular" else NUMBER_FIELDS


def tensor_event(sample: Sample, manifest: Manifest) -> TensorEvent | None:
    """Return the inputs that an event of numbers holds, their shapes checked; None for events of other kinds.

    Raises ManifestInvalid.
    """
    if manifest.task not in ("tensor", "tabular", "embedding") or BATCH in sample.event:
        return None
    if manifest.preprocess is not None or manifest.text is not None:
        return None
    specs = manifest.inputs
    if manifest.task == "tabular" and "input_X" in sample.event:
        table = sample.event["input_X"]
        flat = isinstance(table, list) and bool(table) and not isinstance(table[0], list)
        inputs: Any = [[table] if flat else table]
        exact = False
    else:
        key = "input" if len(specs) == 1 and "inputs" not in sample.event else "inputs"
        inputs = [sample.event.get(key)] if key == "input" else sample.event.get(key)
        exact = manifest.task != "embedding"
    if not isinstance(inputs, list) or len(inputs) != len(specs):
        raise ManifestInvalid(f"{sample.name}: the event's inputs must be a list of {len(specs)} nested lists.")
    sizes: dict[str, int] = {}
    for index, (spec, value) in enumerate(zip(specs, inputs, strict=True)):
        problem = _shape_problem(spec, _shape(value), manifest, sizes)
        if problem:
            raise ManifestInvalid(
                f"{sample.name}: input {index} {problem}: correct the sample or the manifest's inputs."
            )
    return TensorEvent(sample.name, inputs, [_shape(value) for value in inputs], "output" if exact else None)


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
