"""AWS::Events::Rule and AWS::Scheduler::Schedule."""

import json

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Physical, Properties, ResourceType, Site, pick

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


def _create_rule(site: Site, properties: Properties) -> Physical:
    return _put_rule(site, properties.get("Name") or site.name(), properties)


def _put_rule(site: Site, name: str, properties: Properties) -> Physical:
    client = site.client("events")
    request = pick(properties, *_RULE)
    if "EventPattern" in properties:
        request["EventPattern"] = json.dumps(properties["EventPattern"])
    rule_arn = call(client, "put_rule", Name=name, **request)["RuleArn"]
    bus = pick(properties, "EventBusName")
    if properties.get("Targets"):
        answer = call(client, "put_targets", Rule=name, Targets=properties["Targets"], **bus)
        if answer["FailedEntryCount"]:
            raise ValueError(f"a target was refused: {answer['FailedEntries'][0]['ErrorMessage']}")
    return Physical(name, {"Arn": rule_arn})


def _update_rule(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if pick(old, "Name", "EventBusName") != pick(new, "Name", "EventBusName"):
        raise ValueError("a rule cannot be renamed or moved: start the emulator afresh")
    gone = [target["Id"] for target in old.get("Targets", [])]
    if gone:
        site.client("events").remove_targets(Rule=physical.ref, Ids=gone, **pick(old, "EventBusName"))
    return _put_rule(site, physical.ref, new)


def _create_schedule(site: Site, properties: Properties) -> Physical:
    name = properties.pop("Name", None) or site.name()
    schedule = call(site.client("scheduler"), "create_schedule", Name=name, **properties)["ScheduleArn"]
    return Physical(name, {"Arn": schedule})


def _update_schedule(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if pick(old, "Name", "GroupName") != pick(new, "Name", "GroupName"):
        raise ValueError("a schedule cannot be renamed or moved: start the emulator afresh")
    new.pop("Name", None)
    call(site.client("scheduler"), "update_schedule", Name=physical.ref, **new)
    return physical


def _delete_schedule(site: Site, physical: Physical) -> None:
    group = physical.attributes["Arn"].rsplit("/", 2)[1]
    site.client("scheduler").delete_schedule(Name=physical.ref, GroupName=group)


TYPES = {
    "AWS::Events::Rule": ResourceType(
        frozenset(_RULE) | {"EventPattern", "Name", "Targets"}, _create_rule, _update_rule
    ),
    "AWS::Scheduler::Schedule": ResourceType(_SCHEDULE, _create_schedule, _update_schedule, _delete_schedule),
}
