import json

import pytest

from model_tools.aws.faults import CallRefused
from model_tools.aws.stack import read_stack

OUTPUTS = {
    "PublishStateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:publish",
    "InferenceFunctionName": "inference",
    "CheckpointsBucketName": "checkpoints",
    "ArtifactsBucketName": "artifacts",
    "RegistryTableName": "registry",
}


def create_stack(connection, name: str, outputs: dict[str, str]) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {output: {"Value": value} for output, value in outputs.items()},
    }
    connection.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


def test_a_stack_is_read_from_its_outputs(connection):
    create_stack(connection, "complete", OUTPUTS)
    stack = read_stack(connection.client("cloudformation"), "complete")

    assert stack.publish_state_machine == OUTPUTS["PublishStateMachineArn"]
    assert (stack.function, stack.registry_table) == ("inference", "registry")
    assert (stack.checkpoints_bucket, stack.artifacts_bucket) == ("checkpoints", "artifacts")


def test_a_stack_that_is_not_ours_is_refused_by_what_it_lacks(connection):
    create_stack(connection, "other", {"RegistryTableName": "x"})

    with pytest.raises(CallRefused, match="has no output PublishStateMachineArn and"):
        read_stack(connection.client("cloudformation"), "other")


def test_a_stack_that_is_not_there_says_how_to_get_one(connection):
    with pytest.raises(CallRefused, match="There is no stack 'nowhere'"):
        read_stack(connection.client("cloudformation"), "nowhere")
