"""Parameters and results of SDK integrations."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.emulator.machines import create, failure_of, output_of, states, task

DYNAMODB = "arn:aws:states:::dynamodb:"


SDK = "arn:aws:states:::aws-sdk:"


PASS = states("Done", Done={"Type": "Pass", "Result": {"answer": 42}, "End": True})


@pytest.fixture(scope="module")
def table(aws):
    aws.client("dynamodb").create_table(
        TableName="leases",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    aws.client("dynamodb").put_item(TableName="leases", Item={"id": {"S": "taken"}})
    return "leases"


def test_results_are_cased_as_step_functions_cases_them_and_dates_are_text(aws):
    arn = create(aws, PASS)
    described = output_of(aws, states("Look", Look=task(SDK + "sfn:describeStateMachine", {"StateMachineArn": arn})))
    assert described["StateMachineArn"] == arn
    assert described["CreationDate"].endswith("Z")


def test_an_object_is_read_as_text(aws):
    aws.client("s3").create_bucket(Bucket="some-texts")
    aws.client("s3").put_object(Bucket="some-texts", Key="a.txt", Body=b"hello")
    read = output_of(aws, states("Read", Read=task(SDK + "s3:getObject", {"Bucket": "some-texts", "Key": "a.txt"})))
    assert read["Body"] == "hello"


def test_metrics_can_be_asked_for_with_text_dates(aws):
    query = {
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "StartTime": "2026-01-01T00:00:00Z",
        "EndTime": "2026-01-02T00:00:00Z",
        "Period": 60,
        "Statistics": ["Sum"],
    }
    answer = output_of(aws, states("Ask", Ask=task(SDK + "cloudwatch:getMetricStatistics", query)))
    assert answer["Label"] == "Errors"
    assert answer["Datapoints"] == []


def test_an_unknown_operation_fails_instead_of_doing_nothing(aws):
    error, cause = failure_of(aws, states("Call", Call=task(SDK + "dynamodb:flyItem", {})))
    assert error == "States.Runtime"
    assert "fly_item" in cause


def test_the_interpreter_calls_as_the_machines_role(aws):
    answer = output_of(aws, states("Who", Who=task(SDK + "sts:getCallerIdentity", {})))
    assert answer["Arn"] == "arn:aws:sts::123456789012:assumed-role/machine/StepFunctions"


def test_many_executions_at_once_do_not_disturb_one_another(aws, table):
    counted = {
        "TableName": table,
        "Key": {"id": {"S": "counter"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    count = task(DYNAMODB + "updateItem", counted, ResultPath=None)
    machine = create(aws, states("Count", Count=count))
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: output_of(aws, machine, {"n": n}), range(24))) == [{"n": n} for n in range(24)]
    item = aws.client("dynamodb").get_item(TableName=table, Key={"id": {"S": "counter"}})["Item"]
    assert item["n"] == {"N": "24"}
