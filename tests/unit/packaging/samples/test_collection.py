"""Samples and the model's folder, before the model is loaded."""

import json
import textwrap
from pathlib import Path

import pytest

from model_tools.errors import ManifestInvalid, ModelNotFound
from model_tools.formats.samples import Sample
from model_tools.packaging.checkpoint.model_folder import open_model_folder
from model_tools.packaging.limits import Limits
from model_tools.packaging.samples.collection import (
    KnownAnswer,
    collect_samples,
    expect_answers,
    make_up_samples,
    render_samples,
)
from model_tools.packaging.samples.events import tensor_event
from tests.support.manifests import parse_manifest

TENSOR = """
    name: line
    task: tensor
    checkpoint: weights.pt
    architecture: net:Net
    inputs: [{shape: [batch, 2]}]
    axes: {batch: {min: 1, max: 3}}
    samples: samples/*.json
"""
IMAGES = """
    name: shapes
    task: image-classification
    checkpoint: weights.pt
    architecture: net:Net
    inputs: [{shape: [1, 3, 8, 8]}]
    classes: classes.txt
    preprocess: {size: [8, 8]}
    samples: samples/*.json
"""


def folder(tmp_path: Path, manifest: str = TENSOR, **samples: object):
    (tmp_path / "publish.yaml").write_text(textwrap.dedent(manifest))
    (tmp_path / "weights.pt").touch()
    (tmp_path / "samples").mkdir()
    for name, contents in samples.items():
        text = contents if isinstance(contents, str) else json.dumps(contents)
        (tmp_path / "samples" / f"{name}.json").write_text(text)
    return open_model_folder(tmp_path)


def refusal(model_folder, classes=None, **limits) -> str:
    try:
        for sample in collect_samples(model_folder, classes, limits=Limits(**limits)):
            tensor_event(sample, model_folder.manifest)
    except ManifestInvalid as error:
        return str(error)
    pytest.fail("it was not refused")


def test_samples_come_in_the_order_of_their_names(tmp_path):
    event = {"event": {"input": [[1, 2]]}, "expect": {"output": [[3]], "tolerance": 0.1}}
    samples = collect_samples(folder(tmp_path, b=event, a=event), None, limits=Limits())
    assert [sample.name for sample in samples] == ["samples/a.json", "samples/b.json"]
    assert [json.loads(line) for line in render_samples(samples).splitlines()] == [
        {"name": "samples/a.json", **event}, {"name": "samples/b.json", **event},
    ]  # fmt: skip


def test_one_input_may_come_as_a_list_of_one(tmp_path):
    model_folder = folder(tmp_path, a={"event": {"inputs": [[[1, 2]]]}})
    (sample,) = collect_samples(model_folder, None, limits=Limits())
    assert tensor_event(sample, model_folder.manifest).shapes == [[1, 2]]


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        pytest.param("{", "samples/a.json is not JSON", id="no JSON"),
        pytest.param('{"event": {"input": [[NaN, 1]]}}', "NaN is no number in JSON", id="NaN"),
        pytest.param('{"event": {"input": [[-Infinity, 1]]}}', "-Infinity is no number in JSON", id="infinity"),
        pytest.param('{"event": {"input": [[1e999, 1]]}}', "1e999 is too large for a number", id="too large a number"),
        pytest.param('{"event": {}, "event": {}}', "'event' stands twice in one object", id="field twice"),
        pytest.param('{"event": {"a": 1, "b": 2, "a": 3}}', "'a' stands twice", id="field twice within"),
        pytest.param(r'{"event": {"a": "\ud800"}}', "half of a character", id="half of a character"),
        pytest.param("[1]", "samples/a.json must be an object of the form", id="list"),
        pytest.param({"expect": {}}, "samples/a.json: event: is missing: add it", id="no event"),
        pytest.param({"event": {}, "expects": {}}, "samples/a.json: expects: is not a field of it", id="unknown field"),
        pytest.param(
            {"event": {}, "expect": {"min_confidence": 2}},
            "samples/a.json: expect.min_confidence",
            id="confidence above one",
        ),
        pytest.param(
            {"event": {}, "expect": {"class": "cat"}},
            "a model of task tensor answers no class: remove class",
            id="class of a tensor model",
        ),
        pytest.param({"event": {"x": [[1, 2]]}}, "the event has no 'input' or 'inputs'", id="event without input"),
        pytest.param(
            {"event": {"inputs": [[[1, 2]], [[1, 2]]]}},
            "the event's inputs must be a list of 1 nested lists",
            id="too many inputs",
        ),
        pytest.param(
            {"event": {"input": [[1, 2, 3]]}},
            "input 0 has the shape [1, 3], publish.yaml says ['batch', 2]",
            id="wrong width",
        ),
        pytest.param({"event": {"input": [[1, 2]] * 4}}, "input 0 has the shape [4, 2]", id="batch too large"),
        pytest.param({"event": {"input": 5}}, "input 0 has the shape []", id="no array"),
    ],
)
def test_a_wrong_sample_is_named_with_what_is_wrong(tmp_path, contents, told):
    assert told in refusal(folder(tmp_path, a=contents))


def test_a_sample_must_fit_into_a_request_and_there_may_not_be_too_many(tmp_path):
    model_folder = folder(tmp_path, a={"event": {"input": [[1, 2]]}}, b={"event": {"input": [[1, 2]]}})
    assert "larger than 10 bytes, which no request can be" in refusal(model_folder, sample_bytes=10)
    assert "matches 2 files, 1 at most" in refusal(model_folder, samples=1)


def test_a_class_that_is_not_in_the_list_is_refused(tmp_path):
    model_folder = folder(tmp_path, IMAGES, a={"event": {"image": ""}, "expect": {"class": "cta"}})
    assert "class 'cta' is not in classes.txt" in refusal(model_folder, ["cat"])


def test_a_glob_that_matches_nothing_is_refused(tmp_path):
    assert "samples is 'samples/*.json', which matches no file" in refusal(folder(tmp_path))


def test_an_answer_is_expected_only_where_none_was_said():
    said = Sample.model_validate({"name": "a", "event": {}, "expect": {"output": [1.0]}})
    silent = Sample.model_validate({"name": "b", "event": {}})
    tolerant = Sample.model_validate({"name": "c", "event": {}, "expect": {"tolerance": 0.5}})
    other = Sample.model_validate({"name": "d", "event": {}})
    answer = KnownAnswer({"output": [[200.0, -4.0]]}, [[0.2, 0.004]])
    first, second, third, fourth = expect_answers(
        [said, silent, tolerant, other], {"a": KnownAnswer({"output": [9.0]}, [1.0]), "b": answer, "c": answer}
    )
    assert first == said
    assert (second.expect.output, second.expect.tolerance) == ([[200.0, -4.0]], [[0.2, 0.004]])
    assert (third.expect.output, third.expect.tolerance) == ([[200.0, -4.0]], 0.5)
    assert fourth == other


@pytest.mark.parametrize(
    ("allowance", "tolerance"),
    [
        pytest.param([[1.0, 2.0], [3.0, 3.0]], [[1.0, 2.0], 3.0], id="a row of equal numbers"),
        pytest.param([[2.0, 2.0], [2.0, 2.0]], 2.0, id="equal numbers"),
        pytest.param([[]], [[]], id="nothing"),
    ],
)
def test_equal_tolerances_are_written_as_one_number(allowance, tolerance):
    silent = Sample.model_validate({"name": "a", "event": {}})
    (sample,) = expect_answers([silent], {"a": KnownAnswer({"output": allowance}, allowance)})
    assert sample.expect.tolerance == tolerance
    assert Sample.model_validate_json(render_samples([sample])) == sample


def test_a_made_up_sample_has_the_smallest_sizes_and_values_in_range():
    manifest = parse_manifest(
        "{name: x, task: tensor, checkpoint: a.pt, inputs: [{shape: [n, 2], dtype: int64, range: [5, 6]}, "
        "{shape: [], dtype: bool}], axes: {n: {min: 3, max: 9}}}"
    )
    event = make_up_samples(manifest)[0].event
    assert [len(row) for row in event["inputs"][0]] == [2, 2, 2]
    assert {value for row in event["inputs"][0] for value in row} <= {5, 6}
    assert isinstance(event["inputs"][1], bool)
    assert make_up_samples(manifest)[0].event == event


def test_a_sample_is_not_made_up_when_it_would_be_huge():
    manifest = parse_manifest("{name: x, task: tensor, checkpoint: a.pt, inputs: [{shape: [1000, 1000]}]}")
    with pytest.raises(ManifestInvalid, match="add one under samples"):
        make_up_samples(manifest)


def test_files_that_are_missing_or_linked_out_are_named(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "model" / "link").symlink_to(tmp_path / "secret")
    model_folder = folder(tmp_path / "model")
    with pytest.raises(ModelNotFound, match=r"classes names 'absent.txt', which is no file .*publish.yaml"):
        model_folder.file("absent.txt", "classes")
    with pytest.raises(ManifestInvalid, match="is a link to outside the model's folder"):
        model_folder.file("link", "checkpoint")
    with pytest.raises(ManifestInvalid, match="is a link to outside"):
        model_folder.files("li*", "samples")


def test_a_folder_without_a_readable_manifest_is_refused(tmp_path):
    with pytest.raises(ModelNotFound, match=r"has no publish.yaml, which says"):
        open_model_folder(tmp_path)
    (tmp_path / "publish.yaml").write_bytes(b"name: caf\xe9")
    with pytest.raises(ManifestInvalid, match="is not UTF-8 text"):
        open_model_folder(tmp_path)


TABLE = TENSOR.replace("task: tensor", "task: tabular")
OWN = TENSOR.replace("task: tensor", "task: custom") + "    custom: {}\n"
WORDS = """
    name: words
    task: embedding
    checkpoint: weights.pt
    architecture: net:Net
    inputs: [{shape: [batch, words], dtype: int64}]
    text: {source_vocabulary: words.txt}
    samples: samples/*.json
"""


@pytest.mark.parametrize(
    ("manifest", "contents", "told"),
    [
        pytest.param(
            IMAGES,
            {"event": {"picture": ""}},
            "has no 'image' or 'url' or 'input_url', which a request to a model of",
            id="image without image",
        ),
        pytest.param(
            WORDS,
            {"event": {"input": [[1]]}},
            "has no 'text' or 'texts', which a request to a model of task embedding",
            id="embedding without text",
        ),
        pytest.param(TABLE, {"event": {"x": 1}}, "has no 'input_X' or 'input' or 'inputs'", id="table without table"),
        pytest.param(
            TABLE,
            {"event": {"input_X": [1, 2, 3]}},
            "input 0 has the shape [1, 3], publish.yaml says",
            id="table of another width",
        ),
        pytest.param(TABLE, {"event": {"input_X": []}}, "input 0 has the shape [0]", id="empty table"),
        pytest.param(
            TABLE, {"event": {"requests": 5}}, "requests must be a list of events", id="batch that is no list"
        ),
        pytest.param(
            TABLE,
            {"event": {"requests": [{"input_X": [1, 2]}, {}]}},
            "the event has no 'input_X'",
            id="batch with an empty event",
        ),
        pytest.param(
            TABLE,
            {"event": {"input_X": [1, 2]}, "expect": {"min_confidence": 0.5}},
            "answers no confidence",
            id="confidence of a table",
        ),
        pytest.param(
            TABLE,
            {"event": {"input_X": [1, 2]}, "expect": {"class": "a"}},
            "there are no classes: add classes",
            id="class without classes",
        ),
        pytest.param(
            WORDS,
            {"event": {"text": ""}, "expect": {"output": [1]}},
            "a model of task embedding answers no output",
            id="output of an embedding",
        ),
        pytest.param(
            OWN,
            {"event": {}, "expect": {"output": [1]}},
            "a model of task custom answers no output: remove output",
            id="output of a custom model",
        ),
    ],
)
def test_a_sample_asks_and_expects_what_its_task_can(tmp_path, manifest, contents, told):
    assert told in refusal(folder(tmp_path, manifest, a=contents))


@pytest.mark.parametrize(
    ("manifest", "event", "inputs", "is_plain"),
    [
        pytest.param(TENSOR, {"input": [[1, 2]]}, [[[1, 2]]], True, id="tensor"),
        pytest.param(TABLE, {"input": [[1, 2]]}, [[[1, 2]]], True, id="table as a tensor"),
        pytest.param(TABLE, {"input_X": [1, 2]}, [[[1, 2]]], False, id="one row"),
        pytest.param(TABLE, {"input_X": [[1, 2], [3, 4]]}, [[[1, 2], [3, 4]]], False, id="two rows"),
        pytest.param(
            TENSOR.replace("task: tensor", "task: embedding"), {"input": [[1, 2]]}, [[[1, 2]]], False, id="embedding"
        ),
    ],
)
def test_events_of_numbers_are_inputs_that_parity_is_proved_on(tmp_path, manifest, event, inputs, is_plain):
    model_folder = folder(tmp_path, manifest, a={"event": event})
    (sample,) = collect_samples(model_folder, None, limits=Limits())
    found = tensor_event(sample, model_folder.manifest)
    assert (found.inputs, found.is_answered_plainly) == (inputs, is_plain)


def test_events_of_other_kinds_and_batches_are_left_to_the_smoke_test(tmp_path):
    batch = {"event": {"requests": [{"input": [[1, 2]]}]}}
    words = {"event": {"text": "one"}, "expect": {"answer": {"version": "1"}}}
    for number, (manifest, contents) in enumerate([(TENSOR, batch), (WORDS, words), (OWN, {"event": {"any": 1}})]):
        (tmp_path / str(number)).mkdir()
        model_folder = folder(tmp_path / str(number), manifest, a=contents)
        (sample,) = collect_samples(model_folder, None, limits=Limits())
        assert tensor_event(sample, model_folder.manifest) is None
