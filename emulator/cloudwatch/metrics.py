"""Writing metrics in the way moto keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from moto.cloudwatch.models import cloudwatch_backends

DimensionSet = Sequence[tuple[str, str]]
"""Names and values of the dimensions that one metric is filed under."""


@dataclass(frozen=True)
class Measurement:
    """One value of one metric, measured now."""

    metric_name: str
    value: float
    unit: str


def record(
    account_id: str,
    region: str,
    namespace: str,
    measurements: Sequence[Measurement],
    dimension_sets: Sequence[DimensionSet],
) -> None:
    """File every measurement under every set of dimensions."""
    now = datetime.now(UTC).replace(tzinfo=None)  # moto keeps naive UTC times
    cloudwatch_backends[account_id][region].put_metric_data(
        namespace,
        [
            {
                "MetricName": measurement.metric_name,
                "Value": measurement.value,
                "Unit": measurement.unit,
                "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions],
                "Timestamp": now,
            }
            for dimensions in dimension_sets
            for measurement in measurements
        ],
    )
