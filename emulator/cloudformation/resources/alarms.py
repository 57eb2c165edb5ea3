"""AWS::CloudWatch::Alarm."""

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType, arn

_PROPERTIES = frozenset(
    {
        "ActionsEnabled",
        "AlarmActions",
        "AlarmDescription",
        "AlarmName",
        "ComparisonOperator",
        "DatapointsToAlarm",
        "Dimensions",
        "EvaluateLowSampleCountPercentile",
        "EvaluationPeriods",
        "ExtendedStatistic",
        "InsufficientDataActions",
        "MetricName",
        "Metrics",
        "Namespace",
        "OKActions",
        "Period",
        "Statistic",
        "Tags",
        "Threshold",
        "ThresholdMetricId",
        "TreatMissingData",
        "Unit",
    }
)


def _create(context: ResourceContext, properties: Properties) -> Resource:
    name = properties.pop("AlarmName", None) or context.name(longest=255)
    return _put(context, name, properties)


def _update(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if new.pop("AlarmName", None) != old.get("AlarmName"):
        raise ValueError("an alarm cannot be renamed: give the new one another logical id")
    return _put(context, resource.ref, new)


def _put(context: ResourceContext, name: str, properties: Properties) -> Resource:
    call(context.client("cloudwatch"), "put_metric_alarm", AlarmName=name, **properties)
    return Resource(name, {"Arn": arn("cloudwatch", f"alarm:{name}")})


def _delete(context: ResourceContext, resource: Resource) -> None:
    context.client("cloudwatch").delete_alarms(AlarmNames=[resource.ref])


TYPES = {"AWS::CloudWatch::Alarm": ResourceType(_PROPERTIES, _create, _update, _delete)}
