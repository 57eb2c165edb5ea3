"""AWS::Lambda::Version and AWS::Lambda::Alias."""

from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.function_state import wait_until_active, wait_until_updated
from emulator.cloudformation.resource_type import Physical, Properties, ResourceType, Site


def _publish(site: Site, properties: Properties) -> Physical:
    client = site.client("lambda")
    wait_until_active(client, properties["FunctionName"])
    wait_until_updated(client, properties["FunctionName"])
    version = call(client, "publish_version", **properties)
    attributes = {"FunctionArn": version["FunctionArn"], "Version": version["Version"]}
    return Physical(version["FunctionArn"], attributes)


def _wait_for_snapshot(site: Site, physical: Physical) -> None:
    function = physical.ref.rsplit(":", 1)[0]
    wait_until_active(site.client("lambda"), function, qualifier=physical.attributes["Version"])


def _retain(_site: Site, _physical: Physical) -> None:
    """Leave a version that left the template: an alias may still point at it."""


def _request(properties: Properties) -> dict[str, Any]:
    request = dict(properties)
    routing = request.pop("RoutingConfig", None)
    if routing is not None:
        weights = routing.get("AdditionalVersionWeights", [])
        request["RoutingConfig"] = {
            "AdditionalVersionWeights": {item["FunctionVersion"]: float(item["FunctionWeight"]) for item in weights}
        }
    return request


def _create_alias(site: Site, properties: Properties) -> Physical:
    alias = call(site.client("lambda"), "create_alias", **_request(properties))["AliasArn"]
    return Physical(alias, {"AliasArn": alias})


def _update_alias(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if (old["Name"], old["FunctionName"]) != (new["Name"], new["FunctionName"]):
        raise ValueError("an alias cannot be renamed or moved: start the emulator afresh")
    call(site.client("lambda"), "update_alias", **_request(new))
    return physical


def _delete_alias(site: Site, physical: Physical) -> None:
    function, name = physical.ref.rsplit(":", 1)
    site.client("lambda").delete_alias(FunctionName=function, Name=name)


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
