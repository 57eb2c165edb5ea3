"""Tasks that wait for an answer by their token."""

import pytest

from tests.support.emulator.callbacks import ask, received_token
from tests.support.emulator.machines import (
    finished,
    start,
)


def test_a_task_token_comes_back_with_its_output(aws, queue):
    arn = start(aws, ask(queue))
    aws.client("stepfunctions").send_task_success(taskToken=received_token(aws, queue), output='{"ok": true}')
    assert finished(aws, arn)["output"] == '{"ok":true}'


def test_a_task_token_comes_back_with_error_and_cause(aws, queue):
    arn = start(aws, ask(queue))
    aws.client("stepfunctions").send_task_failure(
        taskToken=received_token(aws, queue), error="ApprovalRejected", cause="not today"
    )
    answer = finished(aws, arn)
    assert (answer["error"], answer["cause"]) == ("ApprovalRejected", "not today")


def test_an_output_that_is_no_json_is_refused(aws, queue):
    arn = start(aws, ask(queue))
    sfn = aws.client("stepfunctions")
    token = received_token(aws, queue)
    with pytest.raises(sfn.exceptions.InvalidOutput):
        sfn.send_task_success(taskToken=token, output="{")
    sfn.stop_execution(executionArn=arn)


def test_a_missed_heartbeat_has_its_own_error(aws, queue):
    arn = start(aws, ask(queue, HeartbeatSeconds=1, TimeoutSeconds=60))
    received_token(aws, queue)
    assert finished(aws, arn)["error"] == "States.HeartbeatTimeout"


def test_a_catch_of_timeouts_catches_a_missed_heartbeat(aws, queue):
    machine = ask(queue, HeartbeatSeconds=1, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Late"}])
    machine["States"]["Late"] = {"Type": "Succeed"}
    arn = start(aws, machine)
    received_token(aws, queue)
    assert finished(aws, arn)["status"] == "SUCCEEDED"
