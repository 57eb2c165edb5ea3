"""Reads the samples from the model's folder, or makes them up for a model without samples.

A sample is an event as a client would send it, and the expectation that its answer must meet.
"""

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from model_tools.errors import ManifestInvalid
from model_tools.formats.batch_axis import without_axis
from model_tools.formats.manifest import Manifest, explain
from model_tools.formats.requests import BATCH_FIELD
from model_tools.formats.samples import Expectation, Sample
from model_tools.formats.text_files import decode_text
from model_tools.formats.yaml_text import SURROGATE
from model_tools.packaging.checkpoint.model_folder import ModelFolder
from model_tools.packaging.limits import Limits
from model_tools.packaging.samples.events import TensorEvent, check_event
from model_tools.tasks.registry import spec_of
from model_tools.tasks.spec import Expected

MADE_UP_NAME = "generated"
"""The name of the first sample that is made up, with which the names of the others begin."""


def collect_samples(
    folder: ModelFolder, classes: Sequence[str] | None, *, limits: Limits, source: Sequence[str] = ()
) -> list[Sample]:
    """Return the folder's samples, or made-up ones; `source` is the source vocabulary of a model of text.

    Raises ManifestInvalid, which names the file that is wrong.
    """
    manifest = folder.manifest
    if manifest.samples is None:
        return make_up_samples(manifest, source)
    paths = folder.files(manifest.samples, "samples")
    if len(paths) > limits.samples:
        raise ManifestInvalid(
            f"samples: {manifest.samples!r} matches {len(paths):,} files, {limits.samples:,} at most are asked: name "
            "fewer."
        )
    samples = [_read_sample(path, folder.relative(path), limits) for path in paths]
    for sample in samples:
        _check_expectation(sample, manifest, classes)
        check_event(sample, manifest)
    return samples


def make_up_samples(manifest: Manifest, source: Sequence[str] = ()) -> list[Sample]:
    """Return samples that any model with this manifest must answer, the same for each call.

    There is one for each form of request that the documentation shows for the task. `source` is the source vocabulary
    of a model of text. Raises ManifestInvalid if no sample can be made up.
    """
    spec = spec_of(manifest.task)
    chance = random.Random(0)  # noqa: S311 (the samples are no secret and the same for each call)
    events = spec.request_form(manifest).made_up(manifest, source, chance)
    if not events:
        raise ManifestInvalid(f"samples: nobody can make up a request to a model of task {manifest.task}: add samples.")
    first = next(iter(events.values()))
    events |= {", ".join(options): {**first, **options} for options in spec.option_examples}
    events["requests"] = {BATCH_FIELD: [first, first]}
    return [
        Sample(name=f"{MADE_UP_NAME} ({form})" if number else MADE_UP_NAME, event=event)
        for number, (form, event) in enumerate(events.items())
    ]


def answerable_samples(
    samples: Sequence[Sample], events: Sequence[TensorEvent], batch_axes: Sequence[int | None] | None
) -> list[Sample]:
    """Return the samples without made-up ones that lack the batch axis although the model's answers may not lack it.

    Raises ManifestInvalid for such a sample of the folder's own.
    """
    if batch_axes is not None and None not in batch_axes:
        return list(samples)
    single = {event.name for event in events if event.is_single}
    for sample in samples:
        if sample.name in single and not sample.name.startswith(MADE_UP_NAME):
            raise ManifestInvalid(
                f"{sample.name}: the event lacks the batch axis, and not every output of the model is known to have "
                "that axis, so a single row cannot be answered by itself: add the batch axis to the sample."
            )
    return [sample for sample in samples if sample.name not in single]


def answer_of_single_row(answer: list[Any] | None, batch_axes: Sequence[int | None] | None) -> list[Any] | None:
    """Return a model's only output without its batch axis; None if that is not known, or is a number by itself."""
    place = batch_axes[0] if batch_axes else None
    if answer is None or place is None:
        return None
    row = without_axis(answer, place)
    return row if isinstance(row, list) else None


@dataclass(frozen=True)
class KnownAnswer:
    """What is known of the answer to a sample, from the trained model's outputs."""

    expected: dict[str, Any]
    """The `output` to expect, or the fields of the `answer`."""
    allowance: Any
    """How far each value may be off when it is served: a number, or nested lists like those of the output."""


def expect_answers(samples: Sequence[Sample], answers: Mapping[str, KnownAnswer]) -> list[Sample]:
    """Return the samples; one that expects no numbers now expects the trained model's, if those are known.

    `answers` maps samples' names to what is known of their answers.
    """
    expected = []
    for sample in samples:
        known = answers.get(sample.name)
        given: Any = sample.expect.output
        if known is not None and "answer" in known.expected:
            given = given or sample.expect.answer
        if known is None or given is not None:
            expected.append(sample)
            continue
        allowed = _shortened(known.allowance) if sample.expect.tolerance is None else sample.expect.tolerance
        expect = sample.expect.model_copy(update={**known.expected, "tolerance": allowed})
        expected.append(sample.model_copy(update={"expect": expect}))
    return expected


def render_samples(samples: Sequence[Sample]) -> str:
    """Return the text of samples.jsonl."""
    return "".join(
        json.dumps(sample.model_dump(by_alias=True, exclude_none=True), ensure_ascii=False, allow_nan=False) + "\n"
        for sample in samples
    )


def _read_sample(path: Path, name: str, limits: Limits) -> Sample:
    if path.stat().st_size > limits.sample_bytes:
        raise ManifestInvalid(
            f"{name} is larger than {limits.sample_bytes:,} bytes, which no request can be: shrink it."
        )
    text = decode_text(path.read_bytes(), where=name, max_bytes=limits.sample_bytes, kind="sample")
    try:
        data = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_without_repetition,
        )
    except (ValueError, RecursionError) as error:
        raise ManifestInvalid(f"{name} is not JSON ({error}): correct it.") from error
    if SURROGATE.search(json.dumps(data, ensure_ascii=False)):
        raise ManifestInvalid(f"{name} has half of a character in it (\\ud800 … \\udfff): write the whole character.")
    if not isinstance(data, dict) or "name" in data:
        raise ManifestInvalid(f'{name} must be an object of the form {{"event": {{…}}, "expect": {{…}}}}.')
    try:
        return Sample.model_validate({"name": name, **data})
    except ValidationError as error:
        raise ManifestInvalid(explain(error, name, {"": Sample, "expect": Expectation})) from error


def _check_expectation(sample: Sample, manifest: Manifest, classes: Sequence[str] | None) -> None:
    expect = sample.expect
    said = expect.model_dump(by_alias=True, exclude_none=True)
    for field in get_args(Expected):
        if field in said and field not in spec_of(manifest.task).expectations:
            raise ManifestInvalid(
                f"{sample.name}: expect: a model of task {manifest.task} answers no {field.removeprefix('min_')}: "
                f"remove {field}, or expect an answer: {{<field>: <value>}}."
            )
    if expect.class_name is None:
        return
    if classes is None:
        raise ManifestInvalid(f"{sample.name}: expect: there are no classes: add classes to publish.yaml.")
    if expect.class_name not in classes:
        raise ManifestInvalid(
            f"{sample.name}: expect: class {expect.class_name!r} is not in {manifest.classes}: add it there, or "
            "correct its spelling here."
        )


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text[:60]} is too large for a number")
    return number


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in one object")
    return fields


def largest_of(allowance: Any) -> float:
    """Return the largest number in nested lists."""
    if isinstance(allowance, list):
        return max((largest_of(entry) for entry in allowance), default=0.0)
    return float(allowance)


def _shortened(allowance: Any) -> Any:
    """Return nested lists with one number in the place of a list whose entries are all equal."""
    if not isinstance(allowance, list):
        return allowance
    entries = [_shortened(entry) for entry in allowance]
    equal = entries and not isinstance(entries[0], list) and all(entry == entries[0] for entry in entries)
    return entries[0] if equal else entries
