"""AWS::Logs::LogGroup."""

import contextlib

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import (
    Properties,
    Resource,
    ResourceContext,
    ResourceType,
    arn,
    tag_map,
)


def _create(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("logs")
    name = properties.get("LogGroupName") or context.name(longest=512)
    # A function that has already run has made its log group; only the retention is missing.
    with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
        call(client, "create_log_group", logGroupName=name, tags=tag_map(properties.get("Tags")))
    _set_retention(context, name, properties)
    return Resource(name, {"Arn": arn("logs", f"log-group:{name}:*")})


def _update(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if {**old, "RetentionInDays": None} != {**new, "RetentionInDays": None}:
        raise ValueError("of a log group only RetentionInDays can change: start the emulator afresh")
    _set_retention(context, resource.ref, new)
    return resource


def _set_retention(context: ResourceContext, name: str, properties: Properties) -> None:
    client = context.client("logs")
    if "RetentionInDays" in properties:
        call(client, "put_retention_policy", logGroupName=name, retentionInDays=properties["RetentionInDays"])
    else:
        client.delete_retention_policy(logGroupName=name)


def _delete(context: ResourceContext, resource: Resource) -> None:
    context.client("logs").delete_log_group(logGroupName=resource.ref)


TYPES = {
    "AWS::Logs::LogGroup": ResourceType(
        frozenset({"LogGroupName", "RetentionInDays", "Tags"}), _create, _update, _delete
    )
}
