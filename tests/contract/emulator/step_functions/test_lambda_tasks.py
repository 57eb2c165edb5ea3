"""Tasks that invoke functions: their input, their output, and the names of their errors."""

import json

import pytest

from tests.support.emulator.machines import failure_of, finished, history, output_of, start, states, task
from tests.support.emulator.templates import bare, write
from tests.support.emulator.waiting import wait_until

INVOKE = "arn:aws:states:::lambda:invoke"


SDK = "arn:aws:states:::aws-sdk:lambda:"


FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:tries"


CODE = """
import os, time, boto3
class ParityFailed(Exception):
    pass
def handler(event, context):
    if event.get("mark"):
        boto3.client("s3").put_object(Bucket="marks-of-tries", Key=event["mark"], Body=b"")
    if event.get("raise"):
        raise ParityFailed("they differ")
    if event.get("sleep"):
        time.sleep(event["sleep"])
    return event
"""


@pytest.fixture(scope="module", autouse=True)
def function(aws, tmp_path_factory):
    made = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "FunctionName": "tries",
            "CodeUri": "echo/",
            "Handler": "app.handler",
            "Runtime": "python3.13",
            "Timeout": 20,
        },
    }
    aws.client("s3").create_bucket(Bucket="marks-of-tries")
    aws.deploy(write(tmp_path_factory.mktemp("app"), bare(Tries=made), code=CODE), stack_name="tries")


def invoke(payload, **fields):
    return task(INVOKE, {"FunctionName": "tries", "Payload": payload}, **fields)


def test_an_invocation_answers_with_its_payload(aws):
    answer = output_of(aws, states("Try", Try=invoke({"a": 1})))
    assert answer["Payload"] == {"a": 1}
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"


def test_a_function_given_by_its_arn_answers_with_the_payload_alone(aws):
    assert output_of(aws, states("Try", Try=task(FUNCTION, {"a": 1}))) == {"a": 1}


@pytest.mark.parametrize("state", [invoke({"raise": True}), task(FUNCTION, {"raise": True})], ids=["invoke", "arn"])
def test_an_exception_is_an_error_of_its_name_with_the_payload_as_its_cause(aws, state):
    error, cause = failure_of(aws, states("Try", Try=state))
    assert error == "ParityFailed"
    told = json.loads(cause)
    assert (told["errorMessage"], told["errorType"]) == ("they differ", "ParityFailed")
    assert told["requestId"]
    assert any("app.py" in line for line in told["stackTrace"])


def test_an_exception_is_retried_and_caught_by_its_name(aws):
    machine = states(
        "Try",
        Try=invoke(
            {"raise": True},
            Retry=[{"ErrorEquals": ["ParityFailed"], "IntervalSeconds": 1, "MaxAttempts": 2}],
            Catch=[{"ErrorEquals": ["ParityFailed"], "Next": "Caught"}],
        ),
        Caught={"Type": "Pass", "End": True},
    )
    arn = start(aws, machine)
    assert json.loads(finished(aws, arn)["output"])["Error"] == "ParityFailed"
    assert [event["type"] for event in history(aws, arn)["events"]].count("TaskFailed") == 3


def test_an_event_invocation_is_not_waited_for(aws):
    parameters = {"FunctionName": "tries", "InvocationType": "Event", "Payload": {"raise": True, "mark": "event"}}
    assert output_of(aws, states("Try", Try=task(INVOKE, parameters)))["StatusCode"] == 202
    s3 = aws.client("s3")
    wait_until(lambda: s3.list_objects_v2(Bucket="marks-of-tries", Prefix="event").get("Contents"), "the invocation")


@pytest.mark.parametrize("resource", [INVOKE, "arn:aws:lambda:us-east-1:123456789012:function:nobody"])
def test_a_function_that_is_not_there_has_lambdas_error(aws, resource):
    parameters = {"FunctionName": "nobody", "Payload": {}} if resource == INVOKE else {}
    error, cause = failure_of(aws, states("Try", Try=task(resource, parameters)))
    assert error == "Lambda.ResourceNotFoundException"
    assert "Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException" in cause


def test_a_failed_precondition_and_a_conflict_can_be_caught_by_name(aws):
    parameters = {"FunctionName": "tries", "Description": "new", "RevisionId": "not-this-one"}
    error, _ = failure_of(aws, states("Set", Set=task(SDK + "updateFunctionConfiguration", parameters)))
    assert error == "Lambda.PreconditionFailedException"

    first = task(SDK + "updateFunctionConfiguration", {"FunctionName": "tries", "Description": "one"}, Next="Two")
    del first["End"]
    second = task(SDK + "updateFunctionConfiguration", {"FunctionName": "tries", "Description": "two"})
    error, _ = failure_of(aws, states("One", One=first, Two=second))
    assert error == "Lambda.ResourceConflictException"


def test_a_task_that_is_too_slow_times_out(aws):
    error, _ = failure_of(aws, states("Try", Try=invoke({"sleep": 5}, TimeoutSeconds=1)))
    assert error == "States.Timeout"


def test_a_stopped_execution_does_not_wait_for_its_function(aws):
    arn = start(aws, states("Try", Try=invoke({"sleep": 15, "mark": "busy"})))
    s3 = aws.client("s3")
    wait_until(lambda: s3.list_objects_v2(Bucket="marks-of-tries", Prefix="busy").get("Contents"), "the function")
    aws.client("stepfunctions").stop_execution(executionArn=arn)
    wait_until(lambda: history(aws, arn)["events"][-1]["type"] == "ExecutionAborted", "the end", seconds=5)
