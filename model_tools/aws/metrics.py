"""CloudWatch: the requests that one version had through the alias, and how many of them failed."""

from datetime import datetime, timedelta
from typing import Any

from model_tools.aws.faults import ErrorPolicy
from model_tools.release.rollout import Evidence, Version

LOOK_BACK = timedelta(days=8)
"""Longer than any rollout: a new version has no older requests that could count by mistake."""
PERIOD = 300
"""Seconds; a multiple of 300 is what CloudWatch asks for when data is more than 15 days old, and safe before."""


class AliasMetrics:
    """Metrics of one function's alias through one boto3 client."""

    def __init__(self, client: Any, function: str, alias: str = "live", *, errors: ErrorPolicy) -> None:
        self._cloudwatch = client
        self._function = function
        self._alias = alias
        self._explained = errors

    def evidence(self, version: Version, *, now: datetime) -> Evidence:
        """Return how many requests the version had through the alias, and how many of them failed.

        CloudWatch shows an invocation a minute or two late; a bake of five minutes leaves room for that.
        """
        queries = [self._query("invocations", "Invocations", version), self._query("errors", "Errors", version)]
        sums = {"invocations": 0.0, "errors": 0.0}
        with self._explained(f"reading the metrics of {self._function}:{self._alias}"):
            pages = self._cloudwatch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=now - LOOK_BACK, EndTime=now + timedelta(seconds=PERIOD)
            )
            for page in pages:
                for result in page["MetricDataResults"]:
                    sums[result["Id"]] += sum(result["Values"])
        return Evidence(invocations=round(sums["invocations"]), errors=round(sums["errors"]))

    def _query(self, query_id: str, metric: str, version: Version) -> dict[str, object]:
        dimensions = {
            "FunctionName": self._function,
            "Resource": f"{self._function}:{self._alias}",
            "ExecutedVersion": version,
        }
        return {
            "Id": query_id,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/Lambda",
                    "MetricName": metric,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                },
                "Period": PERIOD,
                "Stat": "Sum",
            },
        }
