"""States that start another execution."""

import json

import pytest

from tests.support.emulator.machines import create, failure_of, finished, history, output_of, run, start, states, task
from tests.support.emulator.waiting import wait_until

PASS = states("Done", Done={"Type": "Pass", "Result": {"answer": 42}, "End": True})


def test_a_started_child_is_not_waited_for(aws):
    child = create(aws, PASS)
    started = output_of(
        aws,
        states("Go", Go=task("arn:aws:states:::states:startExecution", {"StateMachineArn": child, "Input": {"a": 1}})),
    )
    assert started["ExecutionArn"].startswith(child.replace(":stateMachine:", ":execution:"))
    assert isinstance(started["StartDate"], int)


@pytest.mark.parametrize(
    ("suffix", "output"),
    [pytest.param(".sync", '{"answer":42}', id="sync"), pytest.param(".sync:2", {"answer": 42}, id="sync 2")],
)
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
