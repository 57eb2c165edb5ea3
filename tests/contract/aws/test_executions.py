import json
import time
from functools import partial

import pytest

from model_tools.aws.executions import Executions, execution_status
from model_tools.aws.faults import CallRefused, for_people, for_workflow
from model_tools.workflow.history import ExecutionHistory

ROLE = "arn:aws:iam::123456789012:role/tests"


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
    return Executions(client, machine["stateMachineArn"], errors=for_people)


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
        Executions(client, machine, errors=for_people).newest()


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
    executions = Executions(client, "arn", errors=for_people)

    assert [event["id"] for event in executions.events_after("x", 0)] == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert client.pages_read == 5
    client.pages_read = 0
    assert [event["id"] for event in executions.events_after("x", 6)] == [9, 8, 7]
    assert client.pages_read == 2


def test_the_status_of_an_execution_is_read_and_there_may_be_none(executions, connection):
    arn = executions.start("run-3", {})
    assert finished(executions, arn).status == "SUCCEEDED"
    status_of = partial(execution_status, connection.client("stepfunctions"), errors=for_workflow)

    assert status_of(arn) == "SUCCEEDED"
    assert status_of(executions.arn_of("nobody")) is None
    assert status_of("no ARN at all") is None
