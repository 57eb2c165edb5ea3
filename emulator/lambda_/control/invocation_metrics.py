"""The AWS/Lambda metrics of each invocation, under every set of dimensions that AWS uses.

AWS adds `ExecutedVersion` for aliases with weights. Here every request through an alias has it, so that the metrics of
a version do not end when it gets all the traffic.
"""

from emulator.cloudwatch.metrics import DimensionSet, MetricValue, record
from emulator.lambda_.control.aliases import InvocationTarget

NAMESPACE = "AWS/Lambda"


def record_invocation(target: InvocationTarget, *, duration_ms: float, failed: bool) -> None:
    """Count an invocation that reached the function."""
    _record(target, {"Invocations": 1, "Errors": int(failed), "Throttles": 0}, duration_ms)


def record_throttle(target: InvocationTarget) -> None:
    """Count a request that was refused because all environments were busy. It is no invocation."""
    _record(target, {"Throttles": 1})


def _record(target: InvocationTarget, counts: dict[str, int], duration_ms: float | None = None) -> None:
    function = target.function
    values = [MetricValue(name, count, "Count") for name, count in counts.items()]
    if duration_ms is not None:
        values.append(MetricValue("Duration", duration_ms, "Milliseconds"))
    record(function.account_id, function.region, NAMESPACE, values, _dimension_sets(target))


def _dimension_sets(target: InvocationTarget) -> list[DimensionSet]:
    name = ("FunctionName", target.function.function_name)
    resource = ("Resource", target.resource)
    sets: list[DimensionSet] = [(), (name,), (name, resource)]
    if target.through_alias:
        sets.append((name, resource, ("ExecutedVersion", str(target.function.version))))
    return sets
