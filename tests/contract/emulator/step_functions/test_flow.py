"""Choices, Fail states, the context object and the limit of payloads."""

import json

from tests.support.emulator.machines import (
    failure_of,
    finished,
    output_of,
    run,
    start,
    states,
    task,
)


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
