"""Making a stack visible to `cloudformation describe-stacks`, for clients that look up its outputs."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError


def list_stack(
    cloudformation: Any,
    stack_name: str,
    declared: Mapping[str, Mapping[str, Any]],
    outputs: Mapping[str, str],
    parameters: Mapping[str, str],
) -> None:
    """Put the stack's name, parameters and outputs into moto's CloudFormation."""
    template = {
        "Resources": {},  # they exist already, and must not be made again
        "Parameters": {name: {"Type": "String"} for name in parameters},
        "Outputs": {
            name: {"Value": value, "Description": declared[name].get("Description", "")}
            for name, value in outputs.items()
        },
    }
    request = {
        "StackName": stack_name,
        "TemplateBody": json.dumps(template),
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    }
    try:
        [listed] = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationError":
            raise
        cloudformation.create_stack(**request)
    else:
        if {output["OutputKey"]: output["OutputValue"] for output in listed.get("Outputs", [])} != dict(outputs):
            cloudformation.update_stack(**request)
