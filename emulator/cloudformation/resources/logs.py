"""AWS::Logs::LogGroup."""

import contextlib

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Physical, Properties, ResourceType, Site, arn, tag_map


def _create(site: Site, properties: Properties) -> Physical:
    client = site.client("logs")
    name = properties.get("LogGroupName") or site.name(longest=512)
    # A function that ran before its log group was made has made it; what is left to do is its retention.
    with contextlib.suppress(client.exceptions.ResourceAlreadyExistsException):
        call(client, "create_log_group", logGroupName=name, tags=tag_map(properties.get("Tags")))
    _keep(site, name, properties)
    return Physical(name, {"Arn": arn("logs", f"log-group:{name}:*")})


def _update(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if {**old, "RetentionInDays": None} != {**new, "RetentionInDays": None}:
        raise ValueError("of a log group only RetentionInDays can change: start the emulator afresh")
    _keep(site, physical.ref, new)
    return physical


def _keep(site: Site, name: str, properties: Properties) -> None:
    client = site.client("logs")
    if "RetentionInDays" in properties:
        call(client, "put_retention_policy", logGroupName=name, retentionInDays=properties["RetentionInDays"])
    else:
        client.delete_retention_policy(logGroupName=name)


def _delete(site: Site, physical: Physical) -> None:
    site.client("logs").delete_log_group(logGroupName=physical.ref)


TYPES = {
    "AWS::Logs::LogGroup": ResourceType(
        frozenset({"LogGroupName", "RetentionInDays", "Tags"}), _create, _update, _delete
    )
}
