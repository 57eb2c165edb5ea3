"""CloudFormation: the names that a deployed stack gives to its parts. Only people's commands read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from model_tools.aws.faults import CallRefused, Meaning, for_people


@dataclass(frozen=True)
class Stack:
    """The parts of a deployed stack that commands use, from its outputs and parameters."""

    name: str
    publish_state_machine: str
    """The ARN of the state machine that publishes."""
    function: str
    checkpoints_bucket: str
    artifacts_bucket: str
    registry_table: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str] = field(default_factory=dict)


REQUIRED = {
    "publish_state_machine": "PublishStateMachineArn",
    "function": "InferenceFunctionName",
    "checkpoints_bucket": "CheckpointsBucketName",
    "artifacts_bucket": "ArtifactsBucketName",
    "registry_table": "RegistryTableName",
}
"""The outputs that a stack must have to be one of ours, by the field that they fill."""


def read_stack(client: Any, name: str) -> Stack:
    """Return a deployed stack. Raises CallRefused when it is not there, not finished, or not one of ours."""
    absent = (
        f"There is no stack {name!r} in this account and region. Deploy it (`sam build && sam deploy`), name another "
        "with --stack, or use --local for the emulator on this machine."
    )
    # CloudFormation answers ValidationError for a stack that does not exist.
    with for_people(f"reading stack {name}", {"ValidationError": Meaning(absent)}):
        stacks = client.describe_stacks(StackName=name)["Stacks"]
    if not stacks:
        raise CallRefused(absent)
    outputs = {item["OutputKey"]: item["OutputValue"] for item in stacks[0].get("Outputs", [])}
    parameters = {item["ParameterKey"]: item["ParameterValue"] for item in stacks[0].get("Parameters", [])}
    missing = [output for output in REQUIRED.values() if output not in outputs]
    if missing:
        raise CallRefused(
            f"Stack {name!r} ({stacks[0]['StackStatus']}) has no output {' and '.join(missing)}. Wait until it is "
            "deployed, or name a stack of this project's template.yaml with --stack."
        )
    named = {part: outputs[output] for part, output in REQUIRED.items()}
    return Stack(name=name, outputs=outputs, parameters=parameters, **named)
