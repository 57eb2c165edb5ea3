"""`model-tools runtime build`, from the command line to the bucket."""

import json

import boto3
import moto
import pytest

from model_tools.cli.command import Command
from model_tools.cli.main import run
from model_tools.formats.runtime_reference import RuntimeReference

OUTPUTS = ("PublishStateMachineArn", "InferenceFunctionName", "CheckpointsBucketName", "RegistryTableName")
TEMPLATE = {
    "Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "artifacts"}}},
    "Outputs": {
        "ArtifactsBucketName": {"Value": {"Ref": "Bucket"}},
        **{name: {"Value": "unused"} for name in OUTPUTS},
    },
}


@pytest.fixture
def aws(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with moto.mock_aws():
        client = boto3.client("cloudformation", region_name="us-east-1")
        client.create_stack(StackName="mine", TemplateBody=json.dumps(TEMPLATE))
        yield boto3.client("s3", region_name="us-east-1")


@pytest.fixture
def command(capsys):
    def call(*arguments):
        code = run(["runtime", "build", *map(str, arguments)], Command())
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def test_a_runtime_is_built_uploaded_and_current(aws, command, tmp_path):
    options = ("--name", "xgboost", "--level", 3, "--output", tmp_path, "--json")
    code, said = command(*options, "--stack", "mine", "--region", "us-east-1")
    events = {line["event"]: line for line in map(json.loads, said.splitlines())}

    assert code == 0
    reference = RuntimeReference.model_validate(events["built"]["reference"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"{reference.sha256}{end}" for end in (".tar.zst", ".json", ".cdx.json")
    )
    stored = f"s3://artifacts/{reference.uri}"
    assert events["current"]["uri"] == stored
    pointer = aws.get_object(Bucket="artifacts", Key="runtimes/xgboost.json")["Body"].read()
    assert RuntimeReference.model_validate_json(pointer) == reference.model_copy(update={"uri": stored})


def test_without_a_stack_nothing_is_uploaded(aws, command, tmp_path):
    code, said = command("--name", "xgboost", "--level", 3, "--output", tmp_path)

    assert code == 0
    assert "serving" in said
    assert "xgboost-cpu" in said
    assert aws.list_objects_v2(Bucket="artifacts")["KeyCount"] == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param(
            ("--platform", "manylinux_2_28_x86_64"), "name its Python by --python", id="platform without python"
        ),
        pytest.param(("--wheels", "."), "name its Python by --python", id="wheels without python"),
        pytest.param(("--python", "three"), "is no version such as 3.13", id="no version"),
        pytest.param(("--python", "3.13", "--platform", "windows"), "is none of manylinux_2_", id="unknown platform"),
        pytest.param(("--level", "30"), "--level", id="level too high"),
        pytest.param(("--name", "tensorflow"), "--name", id="unknown library"),
        pytest.param(("--stack", "none", "--region", "us-east-1"), "no stack 'none'", id="no such stack"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_built(arguments, told, aws, command, tmp_path):
    code, said = command(*arguments, "--output", tmp_path / "out")

    assert code == 1
    assert told in " ".join(said.split())
    assert not (tmp_path / "out").exists()
