"""The samples that a new version is asked before it gets traffic: read from the model's folder, or made up.

A sample is an event as a client would send it, and what its answer must be.
"""

import base64
import json
import math
import random
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_tools.errors import ManifestInvalid
from model_tools.manifest import InputSpec, Manifest, explain
from model_tools.packaging.limits import Limits
from model_tools.packaging.model_folder import ModelFolder

GENERATED = "generated"
GENERATED_ELEMENTS = 200_000
"""Numbers in a made-up event; as JSON they stay well below what Lambda accepts."""
IMAGE_SIDE = 32
SAMPLE_TOLERANCE = 1e-3
"""Of an answer that packaging itself fills in, relative to the answer's magnitude (1 at least)."""


class Expectation(BaseModel):
    """What a sample's answer must be; what is not named is not checked."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    class_name: Annotated[str | None, Field(alias="class")] = None
    min_confidence: Annotated[float, Field(ge=0, le=1)] | None = None
    output: list[Any] | None = None
    """Nested lists of numbers."""
    tolerance: Annotated[float, Field(ge=0)] | None = None


class Sample(BaseModel):
    """One sample file, and one line of samples.jsonl."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    event: dict[str, Any]
    expect: Expectation = Expectation()


@dataclass(frozen=True)
class TensorEvent:
    """A sample's event as the model's inputs: nested lists, one for each input."""

    name: str
    inputs: list[Any]
    shapes: list[list[int]]


def collect_samples(folder: ModelFolder, classes: Sequence[str] | None, *, limits: Limits) -> list[Sample]:
    """Return the folder's samples, or one made up. Raises ManifestInvalid naming the file that is wrong."""
    manifest = folder.manifest
    if manifest.samples is None:
        return [make_up_sample(manifest)]
    paths = folder.files(manifest.samples, "samples")
    if len(paths) > limits.samples:
        raise ManifestInvalid(
            f"samples: {manifest.samples!r} matches {len(paths):,} files, {limits.samples:,} at most are asked: name "
            "fewer."
        )
    samples = [_read_sample(path, folder.relative(path), limits) for path in paths]
    for sample in samples:
        _check_expectation(sample, manifest, classes)
    return samples


def tensor_event(sample: Sample, manifest: Manifest) -> TensorEvent:
    """Return the inputs that a `tensor` sample's event holds, their shapes checked. Raises ManifestInvalid."""
    specs = manifest.inputs
    key = "input" if len(specs) == 1 and "inputs" not in sample.event else "inputs"
    if key not in sample.event:
        raise ManifestInvalid(
            f"{sample.name}: the event has no {key!r}: write the model's {len(specs)} input(s) as nested lists there."
        )
    inputs = [sample.event[key]] if key == "input" else sample.event[key]
    if not isinstance(inputs, list) or len(inputs) != len(specs):
        raise ManifestInvalid(f"{sample.name}: the event's inputs must be a list of {len(specs)} nested lists.")
    sizes: dict[str, int] = {}
    for index, (spec, value) in enumerate(zip(specs, inputs, strict=True)):
        problem = _shape_problem(spec, _shape(value), manifest, sizes)
        if problem:
            raise ManifestInvalid(
                f"{sample.name}: input {index} {problem}: correct the sample or the manifest's inputs."
            )
    return TensorEvent(sample.name, inputs, [_shape(value) for value in inputs])


def make_up_sample(manifest: Manifest) -> Sample:
    """Return a sample that any model of this manifest must be able to answer. Raises ManifestInvalid if it is large."""
    if manifest.task == "image-classification":
        image = base64.b64encode(_png(manifest.preprocess.mode if manifest.preprocess else "RGB")).decode()
        return Sample(name=GENERATED, event={"image": image})
    sizes = {
        axis: manifest.axis_sizes(axis).min for spec in manifest.inputs for axis in spec.shape if isinstance(axis, str)
    }
    shapes = [[sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape] for spec in manifest.inputs]
    if sum(math.prod(shape) for shape in shapes) > GENERATED_ELEMENTS:
        raise ManifestInvalid(
            f"inputs: a sample with more than {GENERATED_ELEMENTS:,} numbers is not made up: add one under samples."
        )
    generator = random.Random(0)  # noqa: S311 (the same sample each time, no secret)
    values = [_nested(shape, spec, generator) for spec, shape in zip(manifest.inputs, shapes, strict=True)]
    event = {"input": values[0]} if len(values) == 1 else {"inputs": values}
    return Sample(name=GENERATED, event=event)


def expect_answers(samples: Sequence[Sample], answers: Sequence[list[Any] | None]) -> list[Sample]:
    """Let each sample that expects no output expect the eager model's own answer, where there is one."""
    expected = []
    for sample, answer in zip(samples, answers, strict=True):
        if answer is not None and sample.expect.output is None:
            tolerance = SAMPLE_TOLERANCE * max(1.0, _magnitude(answer))
            expect = Expectation(output=answer, tolerance=sample.expect.tolerance or tolerance)
            expected.append(sample.model_copy(update={"expect": expect}))
        else:
            expected.append(sample)
    return expected


def render_samples(samples: Sequence[Sample]) -> str:
    """Return samples.jsonl."""
    return "".join(
        json.dumps(sample.model_dump(by_alias=True, exclude_none=True), ensure_ascii=False, allow_nan=False) + "\n"
        for sample in samples
    )


def _read_sample(path: Path, name: str, limits: Limits) -> Sample:
    if path.stat().st_size > limits.sample_bytes:
        raise ManifestInvalid(
            f"{name} is larger than {limits.sample_bytes:,} bytes, which no request can be: shrink it."
        )
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ManifestInvalid(f"{name} is not JSON ({error}): correct it.") from error
    if not isinstance(data, dict) or "name" in data:
        raise ManifestInvalid(f'{name} must be an object of the form {{"event": {{…}}, "expect": {{…}}}}.')
    try:
        return Sample.model_validate({"name": name, **data})
    except ValidationError as error:
        raise ManifestInvalid(explain(error, name)) from error


def _check_expectation(sample: Sample, manifest: Manifest, classes: Sequence[str] | None) -> None:
    expect = sample.expect
    if manifest.task == "tensor":
        if expect.class_name is not None or expect.min_confidence is not None:
            raise ManifestInvalid(f"{sample.name}: expect: a tensor model answers no class: expect an output instead.")
    elif expect.output is not None:
        raise ManifestInvalid(f"{sample.name}: expect: a classifier answers no output: expect a class instead.")
    elif expect.class_name is not None and classes is not None and expect.class_name not in classes:
        raise ManifestInvalid(
            f"{sample.name}: expect: class {expect.class_name!r} is not in {manifest.classes}: add it there, or "
            "correct its spelling here."
        )


def _refuse_constant(constant: str) -> None:
    msg = f"{constant} is no number in JSON"
    raise ValueError(msg)


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


def _magnitude(values: Any) -> float:
    if isinstance(values, list):
        return max((_magnitude(value) for value in values), default=0.0)
    return abs(float(values))


def _nested(shape: list[int], spec: InputSpec, generator: random.Random) -> Any:
    if shape:
        return [_nested(shape[1:], spec, generator) for _ in range(shape[0])]
    if spec.dtype == "bool":
        return generator.random() < 0.5  # noqa: PLR2004 (a fair coin)
    low, high = spec.range or (0, 1)
    if spec.dtype in ("int64", "int32", "uint8"):
        return generator.randint(math.ceil(low), math.floor(high))
    return round(generator.uniform(low, high) if spec.range else generator.gauss(0, 1), 4)


def _png(mode: str) -> bytes:
    """Return a small image, a gradient, as PNG: enough to see that an image is decoded and answered."""
    channels, colour_type = (1, 0) if mode == "L" else (3, 2)
    rows = b"".join(
        b"\0"
        + bytes(
            (7 * row + 3 * column + 40 * channel) % 256 for column in range(IMAGE_SIDE) for channel in range(channels)
        )
        for row in range(IMAGE_SIDE)
    )
    header = struct.pack(">IIBBBBB", IMAGE_SIDE, IMAGE_SIDE, 8, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
