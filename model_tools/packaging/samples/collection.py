"""Reads the samples from the model's folder, or makes them up for a model without samples.

A sample is an event as a client would send it, and the expectation that its answer must meet.
"""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from model_tools.errors import ManifestInvalid
from model_tools.formats.batch_axis import without_axis
from model_tools.formats.manifest import Manifest, explain
from model_tools.formats.requests import BATCH_FIELD
from model_tools.formats.samples import Expectation, Sample
from model_tools.packaging.checkpoint.model_folder import ModelFolder
from model_tools.packaging.limits import Limits
from model_tools.packaging.samples.events import TensorEvent, check_event
from model_tools.tasks.registry import spec_of
from model_tools.tasks.spec import Expected

SAMPLE_TOLERANCE = 1e-3
"""The tolerance of an expectation that is the trained model's answer, relative to the magnitude (or 1, if larger)."""
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


def expect_answers(
    samples: Sequence[Sample],
    answers: Mapping[str, list[Any] | None],
    *,
    fields: Mapping[str, dict[str, Any]] | None = None,
    tolerance: float = SAMPLE_TOLERANCE,
) -> list[Sample]:
    """Return the samples; one that expects no numbers now expects the trained model's, if those are known.

    `answers` maps samples' names to the trained model's outputs, `fields` to the fields of the answer that are made of
    them; `tolerance` is relative to the magnitude of the numbers, which counts as 1 or more.
    """
    expected = []
    for sample in samples:
        output, answer = answers.get(sample.name), (fields or {}).get(sample.name)
        numbers = output if answer is None else list(answer.values())
        given = sample.expect.output if answer is None else sample.expect.output or sample.expect.answer
        if numbers is None or given is not None:
            expected.append(sample)
            continue
        allowed = sample.expect.tolerance
        if allowed is None:
            allowed = tolerance * max(1.0, _magnitude(numbers))
        known = {"output": output} if answer is None else {"answer": answer}
        expect = sample.expect.model_copy(update={**known, "tolerance": allowed})
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
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ManifestInvalid(f"{name} is not JSON ({error}): correct it.") from error
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


def _magnitude(values: Any) -> float:
    if isinstance(values, list):
        return max((_magnitude(value) for value in values), default=0.0)
    return abs(float(values))
