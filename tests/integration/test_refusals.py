"""Whatever is wrong with a model: it is refused by name, with what to do, and nothing of it remains."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.support.integration.models import edit_manifest, write_tensor_model
from tests.support.integration.stack import Stack


@pytest.fixture(scope="module", autouse=True)
def _something_is_live(stack: Stack, trained_digits: Callable[..., Path]) -> None:
    assert stack.publish(trained_digits(), rollout={"strategy": "all-at-once"}).status == "SUCCEEDED"


def with_nan_weights(folder: Path) -> Path:
    weights = torch.load(folder / "checkpoint.pt", weights_only=True)
    weights["classify.weight"][3, 5] = float("nan")
    torch.save(weights, folder / "checkpoint.pt")
    return folder


class RunsCode:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1/0",)


def with_a_pickle_that_wants_more(folder: Path) -> Path:
    (folder / "checkpoint.pt").write_bytes(pickle.dumps(RunsCode()))
    return folder


def with_one_class_too_many(folder: Path) -> Path:
    (folder / "classes.txt").write_text((folder / "classes.txt").read_text() + "ten\n")
    return folder


def with_a_branch_on_its_data(folder: Path) -> Path:
    code = (folder / "digits_net.py").read_text()
    code = code.replace(
        "return self.classify(", "if images.mean() > 0.9:\n            images = -images\n        return self.classify("
    )
    (folder / "digits_net.py").write_text(code)
    return folder


def with_wrong_samples(folder: Path) -> Path:
    seven = (folder / "samples" / "seven.json").read_text()
    (folder / "samples" / "one.json").write_text(seven.replace('"seven"', '"one"'))
    return folder


def without_its_checkpoint(folder: Path) -> Path:
    (folder / "checkpoint.pt").unlink()
    return folder


def with_a_misspelt_field(folder: Path) -> Path:
    return edit_manifest(folder, clases="classes.txt")


@pytest.mark.parametrize(
    ("spoil", "error", "told"),
    [
        (with_nan_weights, "CheckpointRejected", "classify.weight"),
        (with_a_pickle_that_wants_more, "CheckpointRejected", "eval"),
        (with_one_class_too_many, "ClassesMismatch", "11 classes"),
        (with_a_branch_on_its_data, "ParityFailed", "digits_net.py"),
        (with_wrong_samples, "SmokeTestFailed", "samples/one.json: it answered class 'seven', expected 'one'"),
        (without_its_checkpoint, "ModelNotFound", "checkpoint.pt"),
        (with_a_misspelt_field, "ManifestInvalid", "clases"),
    ],
)
def test_a_spoilt_model_is_refused_and_leaves_no_trace_but_the_record(
    stack: Stack, digits: Path, spoil: Callable[[Path], Path], error: str, told: str
) -> None:
    alias, versions, live = stack.alias(), stack.versions(), stack.record("live")

    ended = stack.publish(spoil(digits))

    assert (ended.status, ended.error) == ("FAILED", error), ended.cause
    assert told in ended.cause
    assert "Traceback" not in ended.cause
    assert (stack.alias(), stack.versions(), stack.record("live")) == (alias, versions, live)
    assert stack.lease_is_free()
    record = stack.record(f"release#{ended.name}")
    assert (record["status"], record["error"], record["cause"]) == ("FAILED", error, ended.cause)


@pytest.mark.parametrize(
    ("request_", "error", "told"),
    [
        pytest.param({}, "RequestInvalid", "model_uri: is missing", id="empty"),
        pytest.param(
            {"model_uri": "s3://nobody-has-this-bucket/model/"},
            "ModelNotFound",
            "nobody-has-this-bucket",
            id="no such bucket",
        ),
        pytest.param(
            {"model_uri": "file:///etc/passwd"}, "RequestInvalid", "not of the form s3://", id="another scheme"
        ),
        pytest.param(["s3://bucket/model/"], "RequestInvalid", "valid dictionary", id="a list"),
    ],
)
def test_a_request_that_is_not_understood_is_on_record_too(
    stack: Stack, request_: object, error: str, told: str
) -> None:
    ended = stack.wait(stack.start_with(request_))

    assert (ended.status, ended.error) == ("FAILED", error)
    assert told in ended.cause
    assert stack.record(f"release#{ended.name}")["error"] == error
    assert stack.lease_is_free()


def test_a_version_whose_init_fails_has_its_reason_told(stack: Stack, tmp_path: Path) -> None:
    """The archive vanishes between packing and the snapshot, so the new version cannot load it."""
    alias, versions = stack.alias(), stack.versions()
    execution = stack.start(write_tensor_model(tmp_path / "scale", seed=77))
    stack.wait_for_state(execution, "BuildFunctionCode")
    bucket = stack.outputs["ArtifactsBucketName"]
    for item in stack.s3.list_objects_v2(Bucket=bucket, Prefix="models/scale/")["Contents"]:
        stack.s3.delete_object(Bucket=bucket, Key=item["Key"])

    ended = stack.wait(execution)

    assert (ended.status, ended.error) == ("FAILED", "SnapshotFailed"), ended.cause
    assert "ModelNotFound" in ended.cause or "NoSuchKey" in ended.cause
    assert (stack.alias(), stack.versions()) == (alias, versions)
    assert stack.lease_is_free()
