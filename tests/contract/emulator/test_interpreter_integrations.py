"""What SDK integrations take, give and fail with."""

import json

import pytest

from emulator.step_functions.error_names import ErrorFamily, error_name
from tests.contract.emulator.machines import create, failure_of, history, output_of, run, start, states, task

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
        (
            "lambda:getFunctionConfiguration",
            {"FunctionName": "nobody"},
            "Lambda.ResourceNotFoundException",
        ),
        (
            "sfn:describeExecution",
            {"ExecutionArn": "arn:aws:states:us-east-1:123456789012:execution:none:none"},
            "Sfn.ExecutionDoesNotExistException",
        ),
        ("s3:getObject", {"Bucket": "no-such-bucket-here", "Key": "k"}, "S3.NoSuchBucketException"),
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
    from botocore.exceptions import ConnectionClosedError
    from botocore.httpsession import URLLib3Session

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


def test_an_error_that_the_api_does_not_list_has_the_services_general_name():
    from botocore.exceptions import ClientError

    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")
    assert error_name(ErrorFamily("Lambda", "AWSLambdaException", "AWSLambda"), denied) == "Lambda.AWSLambdaException"


def test_a_timeout_of_a_dynamodb_task_is_a_timeout(aws, table):
    # The interpreter itself is slowed down by a wait inside the call: a lock that only the test can open.
    import threading

    from emulator.gateway import front_door

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


# ---- executions that start executions


def test_a_started_child_is_not_waited_for(aws):
    child = create(aws, PASS)
    started = output_of(
        aws,
        states("Go", Go=task("arn:aws:states:::states:startExecution", {"StateMachineArn": child, "Input": {"a": 1}})),
    )
    assert started["ExecutionArn"].startswith(child.replace(":stateMachine:", ":execution:"))
    assert isinstance(started["StartDate"], int)


@pytest.mark.parametrize(("suffix", "output"), [(".sync", '{"answer":42}'), (".sync:2", {"answer": 42})])
def test_a_childs_end_is_waited_for(aws, suffix, output):
    resource = "arn:aws:states:::states:startExecution" + suffix
    ended = output_of(aws, states("Go", Go=task(resource, {"StateMachineArn": create(aws, PASS), "Input": {}})))
    assert ended["Status"] == "SUCCEEDED"
    assert ended["Output"] == output


def test_a_failed_child_fails_its_parent_with_its_description(aws):
    child = create(aws, states("No", No={"Type": "Fail", "Error": "ParityFailed", "Cause": "they differ"}))
    resource = "arn:aws:states:::states:startExecution.sync:2"
    error, cause = failure_of(aws, states("Go", Go=task(resource, {"StateMachineArn": child})))
    assert error == "States.TaskFailed"
    told = json.loads(cause)
    assert (told["Status"], told["Error"], told["Cause"]) == ("FAILED", "ParityFailed", "they differ")


def test_a_stopped_parent_stops_the_child_it_waits_for(aws):
    from tests.contract.emulator.machines import finished, wait_until

    child = create(aws, states("Wait", Wait={"Type": "Wait", "Seconds": 100000, "End": True}))
    resource = "arn:aws:states:::states:startExecution.sync:2"
    parent = start(aws, states("Go", Go=task(resource, {"StateMachineArn": child})))
    sfn = aws.client("stepfunctions")
    running = wait_until(lambda: sfn.list_executions(stateMachineArn=child)["executions"], "the child")
    # Once it is submitted: before, nobody waits for it.
    wait_until(lambda: "TaskSubmitted" in [e["type"] for e in history(aws, parent)["events"]], "the submission")
    sfn.stop_execution(executionArn=parent)
    assert finished(aws, running[0]["executionArn"])["status"] == "ABORTED"


def test_a_child_with_the_same_name_is_an_error_with_a_name(aws):
    child = create(aws, PASS)
    go = {"StateMachineArn": child, "Name": "once", "Input": {}}
    assert run(aws, states("Go", Go=task("arn:aws:states:::states:startExecution.sync:2", go)))["status"] == "SUCCEEDED"
    error, _ = failure_of(aws, states("Go", Go=task("arn:aws:states:::states:startExecution.sync:2", go)))
    assert error == "StepFunctions.ExecutionAlreadyExistsException"


def test_many_executions_at_once_do_not_disturb_one_another(aws, table):
    from concurrent.futures import ThreadPoolExecutor

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
