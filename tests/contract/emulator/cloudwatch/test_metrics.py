"""AWS/Lambda metrics: each version's own numbers, asked for in every way that AWS answers."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.support.emulator.metrics import Metrics

SOURCE = """
    def handler(event, context):
        if event == "raise":
            raise ValueError
        return context.function_version
"""


@pytest.fixture(scope="module")
def metrics(functions) -> Metrics:
    return Metrics(functions.aws("cloudwatch"))


@pytest.fixture(scope="module")
def name(functions) -> str:
    """A function that was called: 2 times unqualified, 3 times as version 1, 5 times as live (once with an error)."""
    name = functions.create(SOURCE)
    functions.publish(name)
    functions.client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    for _ in range(2):
        functions.call(name)
    for _ in range(3):
        functions.call(name, Qualifier="1")
    for _ in range(4):
        functions.call(name, Qualifier="live")
    functions.error(name, "raise", Qualifier="live")
    return name


def test_a_functions_numbers_have_everything_once(metrics, name):
    assert metrics.get("Invocations", FunctionName=name) == 10
    assert metrics.get("Errors", FunctionName=name) == 1
    assert metrics.get("Throttles", FunctionName=name) == 0
    assert metrics.get("Duration", "SampleCount", FunctionName=name) == 10


def test_a_resources_numbers_are_its_own(metrics, name):
    assert metrics.get("Invocations", FunctionName=name, Resource=name) == 2
    assert metrics.get("Invocations", FunctionName=name, Resource=f"{name}:1") == 3
    assert metrics.get("Invocations", FunctionName=name, Resource=f"{name}:live") == 5


def test_an_aliases_numbers_are_there_by_executed_version(metrics, name):
    live = {"FunctionName": name, "Resource": f"{name}:live"}

    assert metrics.get("Invocations", **live, ExecutedVersion="1") == 5
    assert metrics.get("Errors", **live, ExecutedVersion="1") == 1
    assert metrics.get("Invocations", **live, ExecutedVersion="2") == 0


def test_durations_are_milliseconds_with_percentiles(metrics, name):
    longest = metrics.get("Duration", "Maximum", FunctionName=name, Resource=name)

    assert 0 < metrics.get("Duration", "p50", FunctionName=name, Resource=name) <= longest
    assert metrics.get("Duration", "p100", FunctionName=name, Resource=name) == longest


def test_another_namespace_with_the_same_dimensions_is_another_metric(metrics, name):
    metrics.client.put_metric_data(
        Namespace="Mine",
        MetricData=[
            {"MetricName": "Invocations", "Value": 7, "Dimensions": [{"Name": "FunctionName", "Value": name}]},
            {"MetricName": "Invocations", "Value": 1000},
        ],
    )

    assert metrics.get("Invocations", namespace="Mine", FunctionName=name) == 7
    assert metrics.get("Invocations", namespace="Mine") == 1000
    assert metrics.get("Invocations", FunctionName=name) == 10


def test_metric_math_is_refused_since_an_empty_answer_would_be_a_lie(metrics):
    now = datetime.now(UTC)

    with pytest.raises(ClientError, match="does not evaluate metric math"):
        metrics.client.get_metric_data(
            MetricDataQueries=[{"Id": "e", "Expression": "100 * errors / invocations"}],
            StartTime=now - timedelta(hours=1),
            EndTime=now,
        )
