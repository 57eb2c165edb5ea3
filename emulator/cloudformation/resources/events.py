"""AWS::Events::Rule and AWS::Scheduler::Schedule."""

import json

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType, pick

_RULE = ("Description", "EventBusName", "RoleArn", "ScheduleExpression", "State")
_SCHEDULE = frozenset(
    {
        "Description",
        "EndDate",
        "FlexibleTimeWindow",
        "GroupName",
        "KmsKeyArn",
        "Name",
        "ScheduleExpression",
        "ScheduleExpressionTimezone",
        "StartDate",
        "State",
        "Target",
    }
)


def _create_rule(context: ResourceContext, properties: Properties) -> Resource:
    return _put_rule(context, properties.get("Name") or context.name(), properties)


def _put_rule(context: ResourceContext, name: str, properties: Properties) -> Resource:
    client = context.client("events")
    request = pick(properties, *_RULE)
    if "EventPattern" in properties:
        request["EventPattern"] = json.dumps(properties["EventPattern"])
    rule_arn = call(client, "put_rule", Name=name, **request)["RuleArn"]
    bus = pick(properties, "EventBusName")
    if properties.get("Targets"):
        answer = call(client, "put_targets", Rule=name, Targets=properties["Targets"], **bus)
        if answer["FailedEntryCount"]:
            raise ValueError(f"a target was refused: {answer['FailedEntries'][0]['ErrorMessage']}")
    return Resource(name, {"Arn": rule_arn})


def _update_rule(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if pick(old, "Name", "EventBusName") != pick(new, "Name", "EventBusName"):
        raise ValueError("a rule cannot be renamed or moved: start the emulator afresh")
    gone = [target["Id"] for target in old.get("Targets", [])]
    if gone:
        context.client("events").remove_targets(Rule=resource.ref, Ids=gone, **pick(old, "EventBusName"))
    return _put_rule(context, resource.ref, new)


def _create_schedule(context: ResourceContext, properties: Properties) -> Resource:
    name = properties.pop("Name", None) or context.name()
    schedule = call(context.client("scheduler"), "create_schedule", Name=name, **properties)["ScheduleArn"]
    return Resource(name, {"Arn": schedule})


def _update_schedule(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if pick(old, "Name", "GroupName") != pick(new, "Name", "GroupName"):
        raise ValueError("a schedule cannot be renamed or moved: start the emulator afresh")
    new.pop("Name", None)
    call(context.client("scheduler"), "update_schedule", Name=resource.ref, **new)
    return resource


def _delete_schedule(context: ResourceContext, resource: Resource) -> None:
    group = resource.attributes["Arn"].rsplit("/", 2)[1]
    context.client("scheduler").delete_schedule(Name=resource.ref, GroupName=group)


TYPES = {
    "AWS::Events::Rule": ResourceType(
        frozenset(_RULE) | {"EventPattern", "Name", "Targets"}, _create_rule, _update_rule
    ),
    "AWS::Scheduler::Schedule": ResourceType(_SCHEDULE, _create_schedule, _update_schedule, _delete_schedule),
}
