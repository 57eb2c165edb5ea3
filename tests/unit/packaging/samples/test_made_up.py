"""Made-up samples ask every form of request that the documentation shows for a task."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from model_tools.formats.requests import BATCH_FIELD
from model_tools.packaging.samples.collection import make_up_samples
from model_tools.packaging.samples.events import check_event, tensor_event
from model_tools.tasks.registry import spec_of
from tests.support.manifests import parse_manifest

FETCHED = {"url", "input_url"}
"""Fields that nobody can fill in beforehand, since they name an address that the function may fetch from."""
IMAGE = "inputs: [{shape: [batch, 1, 8, 8]}], preprocess: {size: [8, 8], mode: L}"
TOKENS = "{shape: [batch, %s], dtype: int64}"
MANIFESTS = {
    "image-classification": f"{IMAGE}, classes: c.txt",
    "object-detection": f"{IMAGE}, classes: c.txt",
    "tensor": "inputs: [{shape: [batch, 4]}]",
    "tabular": "inputs: [{shape: [batch, 4]}]",
    "text-to-text": f"inputs: [{TOKENS % 'source'}, {TOKENS % 'target'}], "
    "text: {source_vocabulary: s, target_vocabulary: t}",
    "embedding": f"inputs: [{TOKENS % 'source'}], text: {{source_vocabulary: s}}",
}


def made_up(task: str, more: str) -> list[Mapping[str, Any]]:
    manifest = parse_manifest(f"{{name: x, task: {task}, checkpoint: a.pt, {more}}}")
    samples = make_up_samples(manifest, ["<unk>", "<pad>", "one", "two"])
    assert len({sample.name for sample in samples}) == len(samples)
    for sample in samples:
        check_event(sample, manifest)
        tensor_event(sample, manifest)
    return [sample.event for sample in samples]


@pytest.mark.parametrize("task", MANIFESTS)
def test_every_field_and_option_of_a_task_is_asked_for(task: str) -> None:
    events = made_up(task, MANIFESTS[task])
    spec, manifest = spec_of(task), parse_manifest(f"{{name: x, task: {task}, checkpoint: a.pt, {MANIFESTS[task]}}}")

    documented = {*spec.request_form(manifest).fields(manifest), *spec.options, BATCH_FIELD} - FETCHED
    assert {field for event in events for field in event} == documented


@pytest.mark.parametrize("task", ["tensor", "tabular"])
def test_numbers_are_asked_as_a_batch_and_as_a_single_row(task: str) -> None:
    events = made_up(task, MANIFESTS[task])

    depths = {json.dumps(event["input"]).count("[") > 1 for event in events if "input" in event}
    assert depths == {False, True}
    if task == "tabular":
        assert [isinstance(event["input_X"][0], list) for event in events if "input_X" in event] == [False, True]


def test_images_are_asked_as_base64_and_as_a_data_url() -> None:
    events = made_up("image-classification", MANIFESTS["image-classification"])
    assert {str(event["image"]).startswith("data:image/png;base64,") for event in events if "image" in event} == {
        False,
        True,
    }


@pytest.mark.parametrize(
    "more",
    [
        pytest.param("inputs: [{shape: [rows, 4]}]", id="another name"),
        pytest.param("inputs: [{shape: [1, 4]}]", id="no name"),
        pytest.param("inputs: [{shape: [batch, 4]}], axes: {batch: {min: 2}}", id="no batch of one"),
    ],
)
def test_no_single_row_is_asked_of_a_model_that_takes_none(more: str) -> None:
    assert all(isinstance(event["input"][0], list) for event in made_up("tensor", more) if "input" in event)


@pytest.mark.parametrize(
    ("spec", "numbers"),
    [
        pytest.param("dtype: bool", {True, False}, id="mask of booleans"),
        pytest.param("dtype: int64, range: [0, 1]", {0, 1}, id="mask of numbers"),
        pytest.param("dtype: int64, range: [5, 6]", {5, 6}, id="padded ids"),
    ],
)
def test_a_row_of_a_mask_masks_something_and_leaves_something(spec: str, numbers: set[int]) -> None:
    events = made_up("tensor", f"inputs: [{{shape: [batch, 3, time], {spec}}}], axes: {{time: {{max: 9}}}}")
    rows = [row for event in events if len(event.get("input", ())) == 2 for matrix in event["input"] for row in matrix]
    assert rows
    assert all(set(row) == numbers for row in rows)
