import io
import json
import time
import zipfile

import pytest

from model_tools.aws.connection import CallRefused
from model_tools.aws.executions import Executions
from model_tools.aws.functions import ServingFunction
from model_tools.aws.registry import Registry
from model_tools.aws.stack import read_stack
from model_tools.workflow.history import ExecutionHistory

ROLE = "arn:aws:iam::123456789012:role/tests"
OUTPUTS = {
    "PublishStateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:publish",
    "InferenceFunctionName": "inference",
    "CheckpointsBucketName": "checkpoints",
    "RegistryTableName": "registry",
}


def create_stack(connection, name: str, outputs: dict[str, str]) -> None:
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {output: {"Value": value} for output, value in outputs.items()},
    }
    connection.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


def test_a_stack_is_read_from_its_outputs(connection):
    create_stack(connection, "complete", OUTPUTS)
    stack = read_stack(connection.client("cloudformation"), "complete")

    assert stack.publish_state_machine == OUTPUTS["PublishStateMachineArn"]
    assert (stack.function, stack.checkpoints_bucket, stack.registry_table) == ("inference", "checkpoints", "registry")


def test_a_stack_that_is_not_ours_is_refused_by_what_it_lacks(connection):
    create_stack(connection, "other", {"RegistryTableName": "x"})

    with pytest.raises(CallRefused, match="has no output PublishStateMachineArn and"):
        read_stack(connection.client("cloudformation"), "other")


def test_a_stack_that_is_not_there_says_how_to_get_one(connection):
    with pytest.raises(CallRefused, match="There is no stack 'nowhere'"):
        read_stack(connection.client("cloudformation"), "nowhere")


@pytest.fixture(scope="module")
def executions(connection):
    client = connection.client("stepfunctions")
    definition = {
        "StartAt": "Both",
        "States": {
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    {"StartAt": "Left", "States": {"Left": {"Type": "Pass", "End": True}}},
                    {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "End": True}}},
                ],
                "ResultPath": "$.both",
                "Next": "Ask",
            },
            "Ask": {
                "Type": "Task",
                "Resource": "arn:aws:states:::dynamodb:getItem",
                "Parameters": {"TableName": "nowhere", "Key": {"id": {"S": "1"}}},
                "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Done"}],
                "Next": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
    }
    machine = client.create_state_machine(name="publish", definition=json.dumps(definition), roleArn=ROLE)
    return Executions(client, machine["stateMachineArn"])


def finished(executions: Executions, arn: str) -> ExecutionHistory:
    history = ExecutionHistory()
    deadline = time.monotonic() + 20
    while not history.ended and time.monotonic() < deadline:
        history.feed(executions.events_after(arn, history.last_event_id))
    return history


def test_an_execution_is_started_found_and_read_to_its_end(executions):
    arn = executions.start("run-1", {"model_uri": "s3://b/m/"})
    history = finished(executions, arn)

    assert history.status == "SUCCEEDED"
    assert json.loads(history.input or "") == {"model_uri": "s3://b/m/"}
    assert sorted((visit.state, visit.parent, visit.status) for visit in history.visits if visit.parent == 0) == [
        ("Left", 0, "succeeded"),
        ("Right", 0, "succeeded"),
    ]
    ask = next(visit for visit in history.visits if visit.state == "Ask")
    assert ask.status == "caught"
    assert ask.failure
    assert ask.failure.error == "DynamoDB.ResourceNotFoundException"
    assert "both" in history.visits[0].changed
    assert executions.events_after(arn, history.last_event_id) == []
    described = executions.describe(arn)
    assert (described.status, described.name) == ("SUCCEEDED", "run-1")
    assert executions.arn_of("run-1") == arn == executions.arn_of(arn) == executions.newest()


def test_the_same_name_with_another_input_is_refused_with_what_to_do(executions):
    finished(executions, executions.start("run-2", {"a": 1}))

    with pytest.raises(CallRefused, match="Choose another --name"):
        executions.start("run-2", {"a": 2})


def test_an_execution_that_is_not_there_says_so(executions):
    with pytest.raises(CallRefused, match="There is no execution"):
        executions.describe(executions.arn_of("nobody"))


def test_no_execution_yet_says_how_to_begin(connection):
    client = connection.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    machine = client.create_state_machine(name="idle", definition=definition, roleArn=ROLE)["stateMachineArn"]

    with pytest.raises(CallRefused, match="model-tools publish"):
        Executions(client, machine).newest()


class PagedHistory:
    """Step Functions as AWS pages it: newest first, two events a page."""

    def __init__(self, last: int) -> None:
        self.ids = list(range(last, 0, -1))
        self.pages_read = 0

    def get_execution_history(self, *, nextToken: str = "0", **_: object) -> dict:  # noqa: N803 (AWS's name)
        self.pages_read += 1
        start = int(nextToken)
        moment = type("Moment", (), {"timestamp": lambda self: 1.0})()
        page: dict = {"events": [{"id": number, "timestamp": moment} for number in self.ids[start : start + 2]]}
        if start + 2 < len(self.ids):
            page["nextToken"] = str(start + 2)
        return page


def test_no_more_pages_are_read_than_hold_news():
    client = PagedHistory(9)
    executions = Executions(client, "arn")

    assert [event["id"] for event in executions.events_after("x", 0)] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert client.pages_read == 5
    client.pages_read = 0
    assert [event["id"] for event in executions.events_after("x", 6)] == [9, 8, 7]
    assert client.pages_read == 2


@pytest.fixture(scope="module")
def registry(connection):
    client = connection.client("dynamodb")
    client.create_table(
        TableName="registry",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "function", "KeyType": "HASH"},
            {"AttributeName": "record", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "function", "AttributeType": "S"},
            {"AttributeName": "record", "AttributeType": "S"},
        ],
    )
    rows = [
        ("inference", "lease", {"fencing_token": {"N": "3"}}),
        ("inference", "live", {"release_id": {"S": "digits-1"}, "version": {"S": "2"}, "at": {"S": "2026-01-01"}}),
        ("inference", "release#run-1", {"release_id": {"S": "digits-1"}, "status": {"S": "RELEASED"}}),
        ("inference", "release#run-2", {"status": {"S": "FAILED"}, "error": {"S": "ParityFailed"}}),
        ("other", "release#run-9", {"release_id": {"S": "not ours"}}),
    ]
    for at, (function, record, fields) in enumerate(rows):
        key = {"function": {"S": function}, "record": {"S": record}, "at": {"S": f"2026-01-0{at + 1}T00:00:00Z"}}
        client.put_item(TableName="registry", Item={**key, **fields})
    return Registry(client, "registry", "inference")


def test_releases_of_the_function_are_read_newest_first(registry):
    found = registry.releases()

    assert [(record.execution, record.status, record.error) for record in found] == [
        ("run-2", "FAILED", "ParityFailed"),
        ("run-1", "RELEASED", None),
    ]


def test_the_live_release_is_read_and_there_may_be_none(registry, connection):
    live = registry.live()

    assert live
    assert (live.release_id, live.version) == ("digits-1", "2")
    assert Registry(connection.client("dynamodb"), "registry", "new").live() is None


def test_a_missing_table_says_to_deploy(connection):
    with pytest.raises(CallRefused, match="deploy the stack"):
        Registry(connection.client("dynamodb"), "nowhere", "inference").releases()


def function_code() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", "def lambda_handler(event, context): return event")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def function(connection):
    connection.client("iam").create_role(RoleName="tests", AssumeRolePolicyDocument="{}")
    client = connection.client("lambda")
    client.create_function(
        FunctionName="inference",
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.lambda_handler",
        Code={"ZipFile": function_code()},
        Publish=True,
    )
    client.create_alias(FunctionName="inference", Name="live", FunctionVersion="1")
    return ServingFunction(client, client, "inference")


def test_an_alias_gives_its_versions_shares(function, connection):
    assert function.shares() == {"1": 1.0}
    connection.client("lambda").update_alias(
        FunctionName="inference", Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 0.1}}
    )
    assert function.shares() == {"1": 0.9, "2": 0.1}


def test_an_alias_that_is_not_there_says_to_deploy(function):
    with pytest.raises(CallRefused, match="has no alias 'staging'"):
        function.shares("staging")


class Answering:
    """Lambda, for one invocation: moto runs functions in Docker only."""

    def __init__(self, body: bytes, **answer: str) -> None:
        self.answer = {"Payload": io.BytesIO(body), "ExecutedVersion": "3", **answer}

    def invoke(self, **request: object) -> dict:
        self.request = request
        return self.answer


def test_an_invocation_brings_the_answer_and_the_version_behind_it():
    client = Answering(b'{"class": "seven"}')
    reply = ServingFunction(None, client, "inference").invoke({"input": 1}, qualifier="live")

    assert client.request == {"FunctionName": "inference", "Qualifier": "live", "Payload": b'{"input": 1}'}
    assert (reply.answer, reply.executed_version, reply.function_error) == ({"class": "seven"}, "3", None)


def test_a_function_that_failed_brings_its_error():
    reply = ServingFunction(None, Answering(b"not json", FunctionError="Unhandled"), "f").invoke({}, qualifier="3")

    assert (reply.answer, reply.function_error) == ("not json", "Unhandled")
