"""The samples that a new version is asked before it gets traffic: read from the model's folder, or made up.

A sample is an event as a client would send it, and what its answer must be.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import Manifest, Task, explain
from model_tools.formats.samples import Sample
from model_tools.packaging.checkpoint.model_folder import ModelFolder
from model_tools.packaging.limits import Limits
from model_tools.packaging.samples.events import check_event
from model_tools.packaging.samples.made_up import make_up_sample

EXPECTED_BY: tuple[tuple[str, str, tuple[Task, ...]], ...] = (
    ("class_name", "class", ("image-classification", "tabular")),
    ("min_confidence", "min_confidence", ("image-classification",)),
    ("output", "output", ("tensor", "tabular")),
)
"""What only answers of some tasks have."""
SAMPLE_TOLERANCE = 1e-3
"""Of an answer that packaging itself fills in, relative to the answer's magnitude (1 at least)."""


def collect_samples(
    folder: ModelFolder, classes: Sequence[str] | None, *, limits: Limits, source: Sequence[str] | None = None
) -> list[Sample]:
    """Return the folder's samples, or one made up; `source` is the vocabulary of a model of text.

    Raises ManifestInvalid naming the file that is wrong.
    """
    manifest = folder.manifest
    if manifest.samples is None:
        return [make_up_sample(manifest, source)]
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


def expect_answers(
    samples: Sequence[Sample], answers: Mapping[str, list[Any] | None], *, tolerance: float = SAMPLE_TOLERANCE
) -> list[Sample]:
    """Let each sample that expects no output expect the trained model's own answer, where there is one.

    `answers` go by the samples' names; `tolerance` is relative to an answer's magnitude (1 at least).
    """
    expected = []
    for sample in samples:
        answer = answers.get(sample.name)
        if answer is not None and sample.expect.output is None:
            allowed = sample.expect.tolerance
            if allowed is None:
                allowed = tolerance * max(1.0, _magnitude(answer))
            expect = sample.expect.model_copy(update={"output": answer, "tolerance": allowed})
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
    for field, alias, tasks in EXPECTED_BY:
        if getattr(expect, field) is not None and manifest.task not in tasks:
            raise ManifestInvalid(
                f"{sample.name}: expect: a model of task {manifest.task} answers no {alias.removeprefix('min_')}: "
                f"remove {alias}, or expect an answer: {{<field>: <value>}}."
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
    msg = f"{constant} is no number in JSON"
    raise ValueError(msg)


def _magnitude(values: Any) -> float:
    if isinstance(values, list):
        return max((_magnitude(value) for value in values), default=0.0)
    return abs(float(values))
