"""The names of failed calls to services."""

import threading

import pytest
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from emulator.gateway import front_door
from tests.support.emulator.machines import failure_of, output_of, states, task

DYNAMODB = "arn:aws:states:::dynamodb:"


SDK = "arn:aws:states:::aws-sdk:"


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


def condition(table):
    return {"TableName": table, "Item": {"id": {"S": "taken"}}, "ConditionExpression": "attribute_not_exists(id)"}


def test_an_optimised_dynamodb_call_fails_with_its_exception_name(aws, table):
    error, cause = failure_of(aws, states("Put", Put=task(DYNAMODB + "putItem", condition(table))))
    assert error == "DynamoDB.ConditionalCheckFailedException"
    assert "Service: AmazonDynamoDBv2; Status Code: 400" in cause


def test_an_sdk_call_fails_with_the_java_name_of_its_service(aws, table):
    error, cause = failure_of(aws, states("Put", Put=task(SDK + "dynamodb:putItem", condition(table))))
    assert error == "DynamoDb.ConditionalCheckFailedException"
    assert "Service: DynamoDb, Status Code: 400" in cause


def test_a_cancelled_transaction_has_its_own_name(aws, table):
    error, _ = failure_of(
        aws,
        states(
            "Write", Write=task(SDK + "dynamodb:transactWriteItems", {"TransactItems": [{"Put": condition(table)}]})
        ),
    )
    assert error == "DynamoDb.TransactionCanceledException"


@pytest.mark.parametrize(
    ("resource", "parameters", "expected"),
    [
        pytest.param(
            "lambda:getFunctionConfiguration",
            {"FunctionName": "nobody"},
            "Lambda.ResourceNotFoundException",
            id="Lambda",
        ),
        pytest.param(
            "sfn:describeExecution",
            {"ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:none:none"},
            "Sfn.ExecutionDoesNotExistException",
            id="Step Functions",
        ),
        pytest.param(
            "s3:getObject", {"Bucket": "no-such-bucket-here", "Key": "k"}, "S3.NoSuchBucketException", id="S3"
        ),
    ],
)
def test_every_services_errors_can_be_caught_by_name(aws, resource, parameters, expected):
    machine = states(
        "Call",
        Call=task(
            SDK + resource, parameters, Catch=[{"ErrorEquals": [expected], "ResultPath": "$.caught", "Next": "Caught"}]
        ),
        Caught={"Type": "Pass", "End": True},
    )
    assert output_of(aws, machine)["caught"]["Error"] == expected


def test_a_broken_connection_can_be_caught_by_name(aws, monkeypatch):
    send = URLLib3Session.send

    def cut(self, request):
        if "GetItem" in str(request.headers.get("X-Amz-Target", "")):
            raise ConnectionClosedError(endpoint_url=request.url)
        return send(self, request)

    monkeypatch.setattr(URLLib3Session, "send", cut)
    parameters = {"TableName": "leases", "Key": {"id": {"S": "x"}}}
    assert (
        failure_of(aws, states("Get", Get=task(DYNAMODB + "getItem", parameters)))[0] == "DynamoDB.SdkClientException"
    )
    assert (
        failure_of(aws, states("Get", Get=task(SDK + "dynamodb:getItem", parameters)))[0]
        == "DynamoDb.SdkClientException"
    )


def test_a_timeout_of_a_dynamodb_task_is_a_timeout(aws, table):
    # The interpreter itself is slowed down by a wait inside the call: a lock that only the test can open.
    hold = threading.Event()
    original = front_door.FrontDoor.__call__

    def slow(self, environ, start_response):
        if "GetItem" in environ.get("HTTP_X_AMZ_TARGET", ""):
            hold.wait(10)
        return original(self, environ, start_response)

    front_door.FrontDoor.__call__ = slow
    try:
        parameters = {"TableName": table, "Key": {"id": {"S": "taken"}}}
        error, _ = failure_of(aws, states("Get", Get=task(DYNAMODB + "getItem", parameters, TimeoutSeconds=1)))
    finally:
        hold.set()
        front_door.FrontDoor.__call__ = original
    assert error == "States.Timeout"
