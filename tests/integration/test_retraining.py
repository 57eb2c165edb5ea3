"""What starts publications without a person: new checkpoints, and retraining."""

import json
from pathlib import Path

import pytest

from emulator.server import Emulator
from tests.integration.conftest import ROOT
from tests.support.integration.stack import Stack, until


@pytest.fixture(scope="module")
def trainer(stack: Stack) -> str:
    bucket = stack.outputs["CheckpointsBucketName"]
    for name in ("train.py", "digits_net.py", "digits.npz", "publish.yaml"):
        stack.s3.upload_file(str(ROOT / "examples" / "digits" / name), bucket, f"trainers/default/{name}")
    return f"s3://{bucket}/trainers/default/"


def test_a_manifest_that_lands_under_checkpoints_is_published(stack: Stack, digits: Path) -> None:
    (digits / "classes.txt").write_text((digits / "classes.txt").read_text() + "\n")
    uri = stack.upload(digits, "checkpoints/nightly/")

    execution = until(lambda: executions_of(stack, "PublishStateMachineArn", f"{uri}publish.yaml"))
    ended = stack.wait(execution)

    assert ended.status == "SUCCEEDED", ended.cause
    assert stack.alias() == (ended.output["version"], {})


def test_other_objects_and_other_prefixes_start_nothing(stack: Stack, digits: Path) -> None:
    stack.upload(digits, "elsewhere/")
    bucket = stack.outputs["CheckpointsBucketName"]
    stack.s3.put_object(Bucket=bucket, Key="checkpoints/nightly/notes.txt", Body=b"")
    marker = stack.upload(digits, "checkpoints/marker/")

    until(lambda: executions_of(stack, "PublishStateMachineArn", f"{marker}publish.yaml"))

    assert not executions_of(stack, "PublishStateMachineArn", "elsewhere/")
    assert not executions_of(stack, "PublishStateMachineArn", "notes.txt")


def test_retraining_trains_and_publishes_what_came_out(stack: Stack, trainer: str) -> None:
    request = {"trainer_uri": trainer, "arguments": ["--seed", "5"], "rollout": {"strategy": "all-at-once"}}

    ended = stack.wait(stack.start_with(request, "RetrainStateMachineArn"))

    assert ended.status == "SUCCEEDED", ended.cause
    assert ended.output["status"] == "LIVE"
    assert stack.alias() == (ended.output["version"], {})
    assert stack.record(f"release#{ended.name}")["status"] == "RELEASED"


def test_a_training_that_fails_is_on_record_and_what_is_live_stays(stack: Stack, trainer: str) -> None:
    alias = stack.alias()

    ended = stack.wait(
        stack.start_with({"trainer_uri": trainer, "arguments": ["--epochs", "many"]}, "RetrainStateMachineArn")
    )

    assert (ended.status, ended.error) == ("FAILED", "TrainingFailed"), ended.cause
    assert "invalid int value" in ended.cause
    assert stack.record(f"retrain#{ended.name}")["error"] == "TrainingFailed"
    assert stack.alias() == alias


def test_the_schedule_starts_retraining_once_it_is_switched_on(stack: Stack, trainer: str) -> None:
    emulator: Emulator = stack.emulator
    before = set(all_executions(stack, "RetrainStateMachineArn"))
    emulator.deploy(
        ROOT / "template.yaml", parameters={"RetrainScheduleState": "ENABLED", "RetrainSchedule": "rate(1 minute)"}
    )

    (started, *_) = until(lambda: set(all_executions(stack, "RetrainStateMachineArn")) - before)
    emulator.deploy(ROOT / "template.yaml")

    seen = stack.sfn.describe_execution(executionArn=started)
    assert json.loads(seen["input"]) == {"trainer_uri": trainer}
    ended = stack.wait(started)
    assert ended.status == "SUCCEEDED", ended.cause


def all_executions(stack: Stack, machine: str) -> list[str]:
    pages = stack.sfn.get_paginator("list_executions").paginate(stateMachineArn=stack.outputs[machine])
    return [execution["executionArn"] for page in pages for execution in page["executions"]]


def executions_of(stack: Stack, machine: str, text: str) -> str | None:
    for arn in all_executions(stack, machine):
        if text in stack.sfn.describe_execution(executionArn=arn)["input"]:
            return arn
    return None


def test_a_publication_that_retraining_started_and_that_was_refused_is_told_in_its_own_words(stack: Stack) -> None:
    bucket = stack.outputs["CheckpointsBucketName"]
    trainer = "import sys, pathlib\nout = pathlib.Path(sys.argv[2])\nout.mkdir(exist_ok=True)\n"
    trainer += "(out / 'publish.yaml').write_text('task: \"guessing\"')"
    stack.s3.put_object(Bucket=bucket, Key="trainers/odd/train.py", Body=trainer.encode())

    ended = stack.wait(stack.start_with({"trainer_uri": f"s3://{bucket}/trainers/odd/"}, "RetrainStateMachineArn"))

    assert (ended.status, ended.error) == ("FAILED", "ManifestInvalid"), ended.cause
    assert (
        ended.cause == stack.record(f"release#{ended.name}")["cause"] == stack.record(f"retrain#{ended.name}")["cause"]
    )
    assert "task: 'guessing'" in ended.cause
