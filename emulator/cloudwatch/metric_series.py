"""Selecting and summing up metric data the way CloudWatch does. Pure.

Data are kept by the minute, or by the second when a period is shorter. A query whose start lies inside a minute gets
the whole minute, and a query that ends now gets the data of a moment ago.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MINUTE = 60
"""Seconds."""

PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)$")

Dimensions = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class MetricSelector:
    """The data that a query selects. Dimensions must be equal, as on AWS; a query without a unit selects any unit."""

    namespace: str
    name: str
    dimensions: Dimensions
    unit: str | None = None


@dataclass(frozen=True)
class DataPoint:
    """One value, or several that were summed up before. `at` is in seconds since the epoch."""

    at: float
    total: float
    smallest: float
    largest: float
    count: float = 1.0


def group_by_period(data: Iterable[DataPoint], *, start: float, end: float, period: int) -> dict[int, list[DataPoint]]:
    """Group the data from `start` up to `end` by periods of `period` seconds.

    All times are seconds since the epoch; the keys are the beginnings of the periods.
    """
    resolution = min(period, MINUTE)
    first = start // resolution * resolution
    grouped: dict[int, list[DataPoint]] = {}
    for datum in data:
        kept_at = datum.at // resolution * resolution
        if first <= kept_at < end:
            grouped.setdefault(int(kept_at // period * period), []).append(datum)
    return dict(sorted(grouped.items()))


def statistic(name: str, data: list[DataPoint]) -> float:
    """Return a statistic of at least one data point; ValueError for a statistic that is not known."""
    count = sum(datum.count for datum in data)
    known: Mapping[str, float] = {
        "Sum": sum(datum.total for datum in data),
        "SampleCount": count,
        "Average": sum(datum.total for datum in data) / count if count else 0.0,
        "Minimum": min(datum.smallest for datum in data),
        "Maximum": max(datum.largest for datum in data),
    }
    if name in known:
        return known[name]
    matched = PERCENTILE.match(name)
    if matched is None:
        raise ValueError(
            f"the statistic {name} is not known: use Sum, SampleCount, Average, Minimum, Maximum or p0 to p100"
        )
    values = sorted(datum.total for datum in data)
    position = float(matched[1]) / 100 * (len(values) - 1)
    below = int(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (position - below)
