"""How an execution goes on, waits and ends."""

import time

import pytest

from tests.contract.emulator.machines import (
    failure_of,
    finished,
    history,
    output_of,
    run,
    start,
    states,
    task,
    wait_until,
)

TOKEN = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"


@pytest.fixture(scope="module")
def queue(aws):
    return aws.client("sqs").create_queue(QueueName="asks")["QueueUrl"]


def ask(queue, **fields):
    message = {"QueueUrl": queue, "MessageBody": {"token.$": "$$.Task.Token"}}
    return states("Ask", Ask=task(TOKEN, message, **fields))


def received_token(aws, queue):
    import json

    def receive():
        return aws.client("sqs").receive_message(QueueUrl=queue).get("Messages")

    [message] = wait_until(receive, "the question")
    aws.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return json.loads(message["Body"])["token"]


def test_a_choice_without_a_match_has_its_own_error(aws):
    machine = states(
        "Pick",
        Pick={"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "End"}]},
        End={"Type": "Succeed"},
    )
    error, cause = failure_of(aws, machine, {"a": 2})
    assert error == "States.NoChoiceMatched"
    assert "Pick" in cause
    assert run(aws, machine, {"a": 1})["status"] == "SUCCEEDED"


def test_a_fail_state_reports_the_error_and_the_cause_that_paths_name(aws):
    machine = states("No", No={"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"})
    assert failure_of(aws, machine, {"error": {"Error": "ParityFailed", "Cause": "they differ"}}) == (
        "ParityFailed",
        "they differ",
    )


def test_a_fail_state_may_report_a_timeout_that_was_caught(aws):
    machine = states("No", No={"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$.c"})
    assert failure_of(aws, machine, {"e": "States.Timeout", "c": "late"}) == ("States.Timeout", "late")


def test_states_all_does_not_hide_a_broken_definition(aws):
    machine = states(
        "Call",
        Call=task(
            "arn:aws:states:::aws-sdk:s3:listBuckets",
            {"x.$": "$.nowhere"},
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        ),
        Caught={"Type": "Succeed"},
    )
    error, cause = failure_of(aws, machine)
    assert error == "States.Runtime"
    assert "$.nowhere" in cause


def test_the_context_object_is_plain_json(aws):
    machine = states(
        "Look",
        Look={
            "Type": "Pass",
            "Parameters": {
                "id.$": "$$.Execution.Id",
                "name.$": "$$.Execution.Name",
                "input.$": "$$.Execution.Input",
                "started.$": "$$.Execution.StartTime",
                "entered.$": "$$.State.EnteredTime",
                "text.$": "States.Format('at {}', $$.Execution.StartTime)",
            },
            "End": True,
        },
    )
    arn = start(aws, machine, {"a": 1}, name="known")
    finished(aws, arn)
    import json

    seen = json.loads(aws.client("stepfunctions").describe_execution(executionArn=arn)["output"])
    assert (seen["id"], seen["name"], seen["input"]) == (arn, "known", {"a": 1})
    for moment in (seen["started"], seen["entered"]):
        assert len(moment) == len("2026-01-31T09:30:00.123Z")
        assert moment.endswith("Z")
    assert seen["text"] == f"at {seen['started']}"


def test_a_result_of_more_than_256_kib_ends_the_execution_whatever_is_caught(aws):
    aws.client("s3").create_bucket(Bucket="large-things")
    aws.client("s3").put_object(Bucket="large-things", Key="big", Body=b"x" * (256 * 1024 + 1))
    aws.client("s3").put_object(Bucket="large-things", Key="fits", Body=b"x" * (256 * 1024 - 1000))
    read = task(
        "arn:aws:states:::aws-sdk:s3:getObject",
        {"Bucket": "large-things", "Key.$": "$.key"},
        ResultSelector={"Body.$": "$.Body"},
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
    )
    machine = states("Read", Read=read, Caught={"Type": "Succeed"})
    assert failure_of(aws, machine, {"key": "big"})[0] == "States.DataLimitExceeded"
    assert run(aws, machine, {"key": "fits"})["status"] == "SUCCEEDED"


def test_text_counts_as_the_bytes_it_is_sent_in(aws):
    text = "é" * 100_000  # 200 kB, and three times as much when it is escaped
    assert output_of(aws, states("Pass", Pass={"Type": "Pass", "End": True}), {"text": text}) == {"text": text}


def test_the_limit_is_exact():
    from emulator.step_functions.payload_limit import MAX_BYTES, is_within_limit

    assert is_within_limit({"a": "é" * ((MAX_BYTES - 8) // 2)})
    assert not is_within_limit({"a": "é" * (MAX_BYTES // 2)})


# ---- callbacks


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


# ---- time


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


# ---- stopping


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
