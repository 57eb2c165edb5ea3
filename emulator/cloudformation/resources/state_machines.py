"""AWS::StepFunctions::StateMachine."""

import json
import re
from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType, pick

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_PROPERTIES = frozenset(
    {
        "Definition",
        "DefinitionString",
        "DefinitionSubstitutions",
        "LoggingConfiguration",
        "RoleArn",
        "StateMachineName",
        "StateMachineType",
        "Tags",
        "TracingConfiguration",
    }
)


def substitute(definition: str, substitutions: dict[str, Any]) -> str:
    """Return the definition with its `${…}` placeholders filled; raises ValueError when one has no value."""
    missing = sorted(set(_PLACEHOLDER.findall(definition)) - set(substitutions))
    if missing:
        raise ValueError(f"the definition has ${{{missing[0]}}}, which DefinitionSubstitutions does not")
    return _PLACEHOLDER.sub(lambda match: str(substitutions[match[1]]), definition)


def _create(context: ResourceContext, properties: Properties) -> Resource:
    name = properties.get("StateMachineName") or context.name(longest=80)
    if properties.get("StateMachineType", "STANDARD") != "STANDARD":
        raise ValueError("the emulator runs standard workflows only, not express ones")
    machine = call(
        context.client("stepfunctions"),
        "create_state_machine",
        name=name,
        tags=[{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags", [])],
        **_request(properties),
    )["stateMachineArn"]
    return Resource(machine, {"Arn": machine, "Name": name})


def _update(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    fixed = ("StateMachineName", "StateMachineType", "Tags")
    if pick(old, *fixed) != pick(new, *fixed):
        raise ValueError("a state machine's name, type and tags cannot change: start the emulator afresh")
    call(context.client("stepfunctions"), "update_state_machine", stateMachineArn=resource.ref, **_request(new))
    return resource


def _request(properties: Properties) -> dict[str, Any]:
    definition = properties.get("DefinitionString") or json.dumps(properties["Definition"])
    request: dict[str, Any] = {
        "definition": substitute(definition, properties.get("DefinitionSubstitutions", {})),
        "roleArn": properties["RoleArn"],
    }
    for name in ("LoggingConfiguration", "TracingConfiguration"):
        if name in properties:
            request[_lower(name)] = _lower_keys(properties[name])
    return request


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _lower_keys(value: Any) -> Any:
    """Return a value with all keys as the API has them: CloudFormation's `LogGroupArn` is its `logGroupArn`."""
    if isinstance(value, list):
        return [_lower_keys(item) for item in value]
    if isinstance(value, dict):
        return {_lower(key): _lower_keys(item) for key, item in value.items()}
    return value


def _delete(context: ResourceContext, resource: Resource) -> None:
    context.client("stepfunctions").delete_state_machine(stateMachineArn=resource.ref)


TYPES = {"AWS::StepFunctions::StateMachine": ResourceType(_PROPERTIES, _create, _update, _delete)}
