"""AWS/Lambda metrics of each invocation, in every dimension set that AWS emits them in.

AWS adds `ExecutedVersion` for aliases that route by weights; here every request through an alias has it, so that the
numbers of a version that just got all the traffic go on.
"""

from emulator.cloudwatch.metrics import DimensionSet, Measurement, record
from emulator.lambda_.control.aliases import Target

NAMESPACE = "AWS/Lambda"


def record_invocation(target: Target, *, duration_ms: float, failed: bool) -> None:
    """Count an invocation that reached the function."""
    _record(target, {"Invocations": 1, "Errors": int(failed), "Throttles": 0}, duration_ms)


def record_throttle(target: Target) -> None:
    """Count one that was refused for want of an environment; it is no invocation."""
    _record(target, {"Throttles": 1})


def _record(target: Target, counts: dict[str, int], duration_ms: float | None = None) -> None:
    function = target.function
    measurements = [Measurement(name, count, "Count") for name, count in counts.items()]
    if duration_ms is not None:
        measurements.append(Measurement("Duration", duration_ms, "Milliseconds"))
    record(function.account_id, function.region, NAMESPACE, measurements, _dimension_sets(target))


def _dimension_sets(target: Target) -> list[DimensionSet]:
    name = ("FunctionName", target.function.function_name)
    resource = ("Resource", target.resource)
    sets: list[DimensionSet] = [(), (name,), (name, resource)]
    if target.through_alias:
        sets.append((name, resource, ("ExecutedVersion", str(target.function.version))))
    return sets
