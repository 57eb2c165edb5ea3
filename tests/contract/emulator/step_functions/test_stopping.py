"""StopExecution, wherever the execution waits."""

import pytest

from tests.support.emulator.callbacks import ask
from tests.support.emulator.machines import (
    finished,
    history,
    start,
    states,
    task,
)
from tests.support.emulator.waiting import wait_until


@pytest.mark.parametrize("kind", ["wait", "task", "retry", "parallel"])
def test_a_stopped_execution_is_over_at_once(aws, queue, kind):
    waiting = {"Type": "Wait", "Seconds": 1000000, "End": True}
    failing = task(
        "arn:aws:states:::aws-sdk:s3:getObject",
        {"Bucket": "not-there", "Key": "k"},
        Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1000000, "MaxAttempts": 1}],
    )
    machine = {
        "wait": states("Wait", Wait=waiting),
        "task": ask(queue),
        "retry": states("Read", Read=failing),
        "parallel": states("Both", Both={"Type": "Parallel", "Branches": [states("W", W=waiting)], "End": True}),
    }[kind]
    arn = start(aws, machine)
    # Until it is where it waits.
    waits_in = {
        "wait": "WaitStateEntered",
        "task": "TaskSubmitted",
        "retry": "TaskFailed",
        "parallel": "WaitStateEntered",
    }
    wait_until(lambda: waits_in[kind] in [e["type"] for e in history(aws, arn)["events"]], "the wait")
    aws.client("stepfunctions").stop_execution(executionArn=arn, error="Aborted", cause="by a person")
    answer = aws.client("stepfunctions").describe_execution(executionArn=arn)
    assert (answer["status"], answer["error"], answer["cause"]) == ("ABORTED", "Aborted", "by a person")
    wait_until(lambda: history(aws, arn)["events"][-1]["type"] == "ExecutionAborted", "the last event")


def test_stopping_what_is_over_changes_nothing(aws):
    arn = start(aws, states("Done", Done={"Type": "Succeed"}))
    finished(aws, arn)
    aws.client("stepfunctions").stop_execution(executionArn=arn)
    assert aws.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "SUCCEEDED"
