"""Asking for metrics in both ways that CloudWatch offers."""

from datetime import UTC, datetime, timedelta


class Metrics:
    def __init__(self, client):
        self.client = client

    def get(self, metric: str, stat: str = "Sum", namespace: str = "AWS/Lambda", **dimensions: str) -> float:
        """Return the metric's value in the last hour by both calls, which must agree."""
        now = datetime.now(UTC)
        named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        window = {"StartTime": now - timedelta(hours=1), "EndTime": now}
        [data] = self.client.get_metric_data(
            MetricDataQueries=[
                {
                    "Id": "m",
                    "MetricStat": {
                        "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": named},
                        "Period": 60,
                        "Stat": stat,
                    },
                }
            ],
            **window,
        )["MetricDataResults"]
        if not stat.startswith("p"):
            points = self.client.get_metric_statistics(
                Namespace=namespace, MetricName=metric, Dimensions=named, Period=60, Statistics=[stat], **window
            )["Datapoints"]
            assert sorted(point[stat] for point in points) == sorted(data["Values"])
        return sum(data["Values"])
