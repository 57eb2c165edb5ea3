"""Writing metrics in the way moto keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from moto.cloudwatch.models import cloudwatch_backends

DimensionSet = Sequence[tuple[str, str]]
"""The names and values of the dimensions that a metric is filed under."""


@dataclass(frozen=True)
class MetricValue:
    """One value of one metric, measured now."""

    metric_name: str
    value: float
    unit: str


def record(
    account_id: str,
    region: str,
    namespace: str,
    values: Sequence[MetricValue],
    dimension_sets: Sequence[DimensionSet],
) -> None:
    """File every value under every set of dimensions, with the present time."""
    now = datetime.now(UTC).replace(tzinfo=None)  # moto keeps naive UTC times
    cloudwatch_backends[account_id][region].put_metric_data(
        namespace,
        [
            {
                "MetricName": value.metric_name,
                "Value": value.value,
                "Unit": value.unit,
                "Dimensions": [{"Name": name, "Value": text} for name, text in dimensions],
                "Timestamp": now,
            }
            for dimensions in dimension_sets
            for value in values
        ],
    )
