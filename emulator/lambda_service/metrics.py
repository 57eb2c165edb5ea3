"""AWS/Lambda metrics of each invocation, in every dimension set that AWS emits them in.

AWS adds `ExecutedVersion` for aliases that route by weights; here every request through an alias has it, so that the
numbers of a version that just got all the traffic go on.
"""

from __future__ import annotations

from datetime import UTC, datetime

from moto.cloudwatch.models import cloudwatch_backends

from emulator.lambda_service.aliases import Target

NAMESPACE = "AWS/Lambda"


def record_invocation(target: Target, *, duration_ms: float, failed: bool) -> None:
    """Count an invocation that reached the function."""
    _put(target, {"Invocations": 1, "Errors": int(failed), "Throttles": 0}, duration_ms)


def record_throttle(target: Target) -> None:
    """Count one that was refused for want of an environment; it is no invocation."""
    _put(target, {"Throttles": 1})


def _put(target: Target, counts: dict[str, int], duration_ms: float | None = None) -> None:
    function = target.function
    values: list[tuple[str, float, str]] = [(name, count, "Count") for name, count in counts.items()]
    if duration_ms is not None:
        values.append(("Duration", duration_ms, "Milliseconds"))
    now = datetime.now(UTC).replace(tzinfo=None)  # moto keeps naive UTC times
    cloudwatch_backends[function.account_id][function.region].put_metric_data(
        NAMESPACE,
        [
            {"MetricName": name, "Value": value, "Unit": unit, "Dimensions": dimensions, "Timestamp": now}
            for dimensions in _dimension_sets(target)
            for name, value, unit in values
        ],
    )


def _dimension_sets(target: Target) -> list[list[dict[str, str]]]:
    name = {"Name": "FunctionName", "Value": target.function.function_name}
    resource = {"Name": "Resource", "Value": target.resource}
    sets = [[], [name], [name, resource]]
    if target.through_alias:
        sets.append([name, resource, {"Name": "ExecutedVersion", "Value": str(target.function.version)}])
    return sets
