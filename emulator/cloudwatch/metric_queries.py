"""Repairs of moto's CloudWatch queries.

moto 5.2.5 drops the current second, starts periods anywhere, mixes dimension sets (a query for a function gets its
aliases' numbers on top), ignores the namespace when dimensions are given, and answers percentiles and metric math with
an error or with nothing. Metric math is refused: an empty answer would be read as a count of 0.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

from moto.cloudwatch.exceptions import InvalidParameterCombination, InvalidParameterValue, ValidationError
from moto.cloudwatch.models import CloudWatchBackend, MetricAggregatedDatum, MetricDatum, MetricDatumBase, Statistics
from moto.cloudwatch.responses import CloudWatchResponse

from emulator.cloudwatch.metric_series import DataPoint, MetricSelector, group_by_period, statistic
from emulator.repairing import replace

_moto_get_metric_statistics = CloudWatchResponse.get_metric_statistics


def repair() -> None:
    """Replace the queries of moto's CloudWatch. Calling it again changes nothing."""
    replace(CloudWatchBackend, get_metric_data=get_metric_data, get_metric_statistics=get_metric_statistics)
    replace(CloudWatchResponse, get_metric_statistics=answer_metric_statistics)


def get_metric_data(
    self: CloudWatchBackend,
    queries: list[dict[str, Any]],
    start_time: datetime,
    end_time: datetime,
    scan_by: str = "TimestampDescending",
) -> list[dict[str, Any]]:
    """Answer GetMetricData."""
    start, end = _epoch(start_time), _epoch(end_time)
    if start >= end:
        raise ValidationError("The parameter EndTime must be greater than StartTime.")
    found = []
    for query in queries:
        if "MetricStat" not in query:
            raise ValidationError(
                f"The emulator does not evaluate metric math ({query['Expression']}): query the metrics themselves"
            )
        stat = query["MetricStat"]
        grouped = group_by_period(_select(self, _selector(stat)), start=start, end=end, period=int(stat["Period"]))
        points = [(_naive_time(at), _statistic(stat["Stat"], data)) for at, data in grouped.items()]
        if scan_by == "TimestampDescending":
            points.reverse()
        if query.get("ReturnData", True):
            found.append(
                {
                    "id": query["Id"],
                    "label": query.get("Label") or stat["Metric"]["MetricName"],
                    "timestamps": [at for at, _ in points],
                    "values": [value for _, value in points],
                    "status_code": "Complete",
                }
            )
    return found


def get_metric_statistics(
    self: CloudWatchBackend,
    namespace: str,
    metric_name: str,
    start_time: datetime,
    end_time: datetime,
    period: int,
    stats: list[str],
    dimensions: list[dict[str, str]],
    unit: str | None = None,
) -> list[Statistics]:
    """Answer GetMetricStatistics."""
    start, end = _epoch(start_time), _epoch(end_time)
    if start >= end:
        raise InvalidParameterValue("The parameter StartTime must be less than the parameter EndTime.")
    wanted = MetricSelector(namespace, metric_name, _dimensions(dimensions), unit)
    chosen = [(datum, _data_point(datum)) for datum in self.get_all_metrics() if _is_selected(datum, wanted)]
    sources = {id(short): datum for datum, short in chosen}
    answered = []
    for at, data in group_by_period([short for _, short in chosen], start=start, end=end, period=period).items():
        point = Statistics(stats, _naive_time(at))
        point.metric_data = [sources[id(short)] for short in data]
        point.unit = point.metric_data[0].unit
        answered.append(point)
    return answered


def answer_metric_statistics(self: CloudWatchResponse) -> Any:
    """Answer GetMetricStatistics, and refuse the ExtendedStatistics that moto would leave out of the answer."""
    if self._get_param("ExtendedStatistics"):
        raise InvalidParameterCombination(
            "The emulator has no ExtendedStatistics here: ask GetMetricData for percentiles"
        )
    return _moto_get_metric_statistics(self)


def _selector(stat: Mapping[str, Any]) -> MetricSelector:
    metric = stat["Metric"]
    return MetricSelector(
        metric["Namespace"], metric["MetricName"], _dimensions(metric.get("Dimensions") or []), stat.get("Unit")
    )


def _dimensions(given: Iterable[Mapping[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((dimension["Name"], dimension["Value"]) for dimension in given)


def _select(backend: CloudWatchBackend, wanted: MetricSelector) -> list[DataPoint]:
    return [_data_point(datum) for datum in backend.get_all_metrics() if _is_selected(datum, wanted)]


def _is_selected(datum: MetricDatumBase, wanted: MetricSelector) -> bool:
    return (
        datum.name == wanted.name
        and datum.namespace == wanted.namespace
        and len(datum.dimensions) == len(wanted.dimensions)
        and {(dimension.name, dimension.value) for dimension in datum.dimensions} == wanted.dimensions
        and wanted.unit in (None, datum.unit)
    )


def _data_point(datum: MetricDatumBase) -> DataPoint:
    at = _epoch(datum.timestamp)
    if isinstance(datum, MetricAggregatedDatum):
        return DataPoint(at, datum.sum, datum.min, datum.max, datum.sample_count)
    value = cast("MetricDatum", datum).value
    return DataPoint(at, value, value, value)


def _statistic(name: str, data: list[DataPoint]) -> float:
    try:
        return statistic(name, data)
    except ValueError as error:
        raise ValidationError(str(error)) from error


def _epoch(moment: datetime) -> float:
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def _naive_time(epoch: int) -> datetime:
    return datetime.fromtimestamp(epoch, UTC).replace(tzinfo=None)
