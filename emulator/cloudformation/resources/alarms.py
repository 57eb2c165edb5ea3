"""AWS::CloudWatch::Alarm."""

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Physical, Properties, ResourceType, Site, arn

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


def _create(site: Site, properties: Properties) -> Physical:
    name = properties.pop("AlarmName", None) or site.name(longest=255)
    return _put(site, name, properties)


def _update(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if new.pop("AlarmName", None) != old.get("AlarmName"):
        raise ValueError("an alarm cannot be renamed: give the new one another logical id")
    return _put(site, physical.ref, new)


def _put(site: Site, name: str, properties: Properties) -> Physical:
    call(site.client("cloudwatch"), "put_metric_alarm", AlarmName=name, **properties)
    return Physical(name, {"Arn": arn("cloudwatch", f"alarm:{name}")})


def _delete(site: Site, physical: Physical) -> None:
    site.client("cloudwatch").delete_alarms(AlarmNames=[physical.ref])


TYPES = {"AWS::CloudWatch::Alarm": ResourceType(_PROPERTIES, _create, _update, _delete)}
