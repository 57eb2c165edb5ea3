"""Waits and retry pauses pass faster, timeouts do not."""

import time

from tests.support.emulator.callbacks import ask, received_token
from tests.support.emulator.machines import (
    finished,
    history,
    output_of,
    start,
    states,
    task,
)


def test_waits_are_divided_by_the_time_scale(aws):
    begun = time.monotonic()
    output_of(aws, states("Bake", Bake={"Type": "Wait", "Seconds": 60, "End": True}))
    assert time.monotonic() - begun < 30  # at the scale of 100 it is 0.6; 60 without


def test_retry_pauses_are_divided_by_the_time_scale(aws):
    retry = [{"ErrorEquals": ["S3.NoSuchBucketException"], "IntervalSeconds": 30, "MaxAttempts": 2, "BackoffRate": 1}]
    machine = states(
        "Read", Read=task("arn:aws:states:::aws-sdk:s3:getObject", {"Bucket": "not-there", "Key": "k"}, Retry=retry)
    )
    arn = start(aws, machine)
    assert finished(aws, arn)["error"] == "S3.NoSuchBucketException"
    kinds = [event["type"] for event in history(aws, arn)["events"]]
    assert kinds.count("TaskFailed") == 3


def test_timeouts_are_not_scaled(aws, queue):
    # A second at the scale of 100 would be over before the answer.
    arn = start(aws, ask(queue, TimeoutSeconds=5))
    token = received_token(aws, queue)
    time.sleep(0.2)
    aws.client("stepfunctions").send_task_success(taskToken=token, output="1")
    assert finished(aws, arn)["output"] == "1"
