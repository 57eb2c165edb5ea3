"""AWS::Lambda::Version and AWS::Lambda::Alias."""

from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.function_state import wait_until_active, wait_until_updated
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType


def _publish(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("lambda")
    wait_until_active(client, properties["FunctionName"])
    wait_until_updated(client, properties["FunctionName"])
    version = call(client, "publish_version", **properties)
    attributes = {"FunctionArn": version["FunctionArn"], "Version": version["Version"]}
    return Resource(version["FunctionArn"], attributes)


def _wait_for_snapshot(context: ResourceContext, resource: Resource) -> None:
    function = resource.ref.rsplit(":", 1)[0]
    wait_until_active(context.client("lambda"), function, qualifier=resource.attributes["Version"])


def _retain(_context: ResourceContext, _resource: Resource) -> None:
    """Keep a version that has left the template, since an alias may still point at it."""


def _request(properties: Properties) -> dict[str, Any]:
    request = dict(properties)
    routing = request.pop("RoutingConfig", None)
    if routing is not None:
        weights = routing.get("AdditionalVersionWeights", [])
        request["RoutingConfig"] = {
            "AdditionalVersionWeights": {item["FunctionVersion"]: float(item["FunctionWeight"]) for item in weights}
        }
    return request


def _create_alias(context: ResourceContext, properties: Properties) -> Resource:
    alias = call(context.client("lambda"), "create_alias", **_request(properties))["AliasArn"]
    return Resource(alias, {"AliasArn": alias})


def _update_alias(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if (old["Name"], old["FunctionName"]) != (new["Name"], new["FunctionName"]):
        raise ValueError("an alias cannot be renamed or moved: start the emulator afresh")
    call(context.client("lambda"), "update_alias", **_request(new))
    return resource


def _delete_alias(context: ResourceContext, resource: Resource) -> None:
    function, name = resource.ref.rsplit(":", 1)
    context.client("lambda").delete_alias(FunctionName=function, Name=name)


TYPES = {
    "AWS::Lambda::Version": ResourceType(
        frozenset({"CodeSha256", "Description", "FunctionName"}), _publish, delete=_retain, wait=_wait_for_snapshot
    ),
    "AWS::Lambda::Alias": ResourceType(
        frozenset({"Description", "FunctionName", "FunctionVersion", "Name", "RoutingConfig"}),
        _create_alias,
        _update_alias,
        _delete_alias,
    ),
}
