"""Selecting and summing up metric data the way CloudWatch does. Pure.

Data are kept by the minute (by the second when a period is shorter), so a query whose start lies inside a minute gets
the whole minute, and a query that ends now gets what was counted a moment ago.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MINUTE = 60
PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)$")
Dimensions = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Series:
    """Which data are meant: dimensions are exact, as on AWS; no unit means any unit."""

    namespace: str
    name: str
    dimensions: Dimensions
    unit: str | None = None


@dataclass(frozen=True)
class Datum:
    """One value, or several summed up already. `at` is epoch seconds."""

    at: float
    total: float
    smallest: float
    largest: float
    count: float = 1.0


def bins(data: Iterable[Datum], *, start: float, end: float, period: int) -> dict[int, list[Datum]]:
    """Group the data from `start` up to `end` (epoch seconds) by period; keys are the periods' beginnings."""
    resolution = min(period, MINUTE)
    first = start // resolution * resolution
    grouped: dict[int, list[Datum]] = {}
    for datum in data:
        kept_at = datum.at // resolution * resolution
        if first <= kept_at < end:
            grouped.setdefault(int(kept_at // period * period), []).append(datum)
    return dict(sorted(grouped.items()))


def statistic(name: str, data: list[Datum]) -> float:
    """Return one statistic of at least one datum; ValueError for one that is not known."""
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
        message = f"the statistic {name} is not known: use Sum, SampleCount, Average, Minimum, Maximum or p0 to p100"
        raise ValueError(message)
    values = sorted(datum.total for datum in data)
    position = float(matched[1]) / 100 * (len(values) - 1)
    below = int(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (position - below)
