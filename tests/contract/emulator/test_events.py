"""What happens starts what a template says it starts."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest

from emulator.events.schedule_expression import At, Rate, ScheduleExpressionError, parse_expression
from emulator.events.target_input import TargetInputError, fill_template, target_input
from tests.contract.emulator.machines import ROLE, create, states, wait_until

PASS = states("Done", Done={"Type": "Pass", "End": True})


@pytest.fixture
def events(aws):
    return aws.client("events")


@pytest.fixture
def machine(aws):
    return create(aws, PASS)


def inputs_of(aws, machine):
    sfn = aws.client("stepfunctions")
    listed = sfn.list_executions(stateMachineArn=machine)["executions"]
    return [json.loads(sfn.describe_execution(executionArn=item["executionArn"])["input"]) for item in listed]


def first_input(aws, machine):
    return wait_until(lambda: inputs_of(aws, machine), "an execution")[0]


def rule(events, name, pattern, *targets, **fields):
    events.put_rule(Name=name, EventPattern=json.dumps(pattern), **fields)
    answer = events.put_targets(
        Rule=name, Targets=[{"Id": str(number), **target} for number, target in enumerate(targets)]
    )
    assert answer["FailedEntryCount"] == 0


def put_event(events, source, detail):
    events.put_events(Entries=[{"Source": source, "DetailType": "test", "Detail": json.dumps(detail)}])


def versioned_bucket(aws, name):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    return name


def objects_in(bucket):
    return {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [bucket]}}}


def test_an_object_starts_an_execution_with_s3s_own_event(aws, events, machine):
    bucket = versioned_bucket(aws, "arrivals")
    rule(events, "arrivals", objects_in(bucket), {"Arn": machine, "RoleArn": ROLE})
    version = aws.client("s3").put_object(Bucket=bucket, Key="a folder/ü.txt", Body=b"hello")["VersionId"]
    event = first_input(aws, machine)
    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert event["resources"] == ["arn:aws:s3:::arrivals"]
    assert datetime.fromisoformat(event["time"]).tzinfo is not None
    detail = event["detail"]
    assert detail["bucket"] == {"name": "arrivals"}
    assert detail["reason"] == "PutObject"
    assert {key: value for key, value in detail["object"].items() if key != "sequencer"} == {
        "key": "a folder/ü.txt",
        "size": 5,
        "etag": "5d41402abc4b2a76b9719d911017c592",
        "version-id": version,
    }


@pytest.mark.parametrize("way", ["multipart", "copy"])
def test_every_way_to_make_an_object_is_told_once(aws, events, machine, way):
    bucket = versioned_bucket(aws, f"ways-{way}")
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="source", Body=b"x")
    rule(events, f"ways-{way}", objects_in(bucket), {"Arn": machine, "RoleArn": ROLE})
    if way == "multipart":
        upload = s3.create_multipart_upload(Bucket=bucket, Key="made")["UploadId"]
        part = s3.upload_part(Bucket=bucket, Key="made", UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
        s3.complete_multipart_upload(Bucket=bucket, Key="made", UploadId=upload, MultipartUpload=parts)
    else:
        s3.copy_object(Bucket=bucket, Key="made", CopySource={"Bucket": bucket, "Key": "source"})
    s3.put_object(Bucket=bucket, Key="last", Body=b"")
    seen = wait_until(lambda: len(inputs_of(aws, machine)) >= 2 and inputs_of(aws, machine), "both")
    reasons = {event["detail"]["object"]["key"]: event["detail"]["reason"] for event in seen}
    assert reasons == {"made": {"multipart": "CompleteMultipartUpload", "copy": "CopyObject"}[way], "last": "PutObject"}
    assert len(seen) == 2


def test_a_rule_matches_keys_by_wildcard(aws, events, machine):
    bucket = versioned_bucket(aws, "wild")
    pattern = objects_in(bucket)
    pattern["detail"]["object"] = {"key": [{"wildcard": "checkpoints/*/publish.yaml"}]}
    transformer = {
        "InputPathsMap": {"bucket": "$.detail.bucket.name", "key": "$.detail.object.key"},
        "InputTemplate": '{"model_uri": "s3://<bucket>/<key>", "requested_by": "new checkpoint"}',
    }
    rule(events, "wild", pattern, {"Arn": machine, "RoleArn": ROLE, "InputTransformer": transformer})
    for key in ("checkpoints/42/model.pt", "elsewhere/42/publish.yaml", "checkpoints/42/publish.yaml"):
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"")
    assert first_input(aws, machine) == {
        "model_uri": "s3://wild/checkpoints/42/publish.yaml",
        "requested_by": "new checkpoint",
    }
    assert len(inputs_of(aws, machine)) == 1


def test_a_custom_event_reaches_each_kind_of_target(aws, events, machine):
    sqs = aws.client("sqs")
    queue = sqs.create_queue(QueueName="listens")["QueueUrl"]
    rule(
        events,
        "all-kinds",
        {"source": ["shop"]},
        {"Arn": machine, "RoleArn": ROLE, "InputPath": "$.detail"},
        {"Arn": "arn:aws:sqs:us-east-1:123456789012:listens", "Input": '{"said": "so"}'},
    )
    put_event(events, "shop", {"sold": 3})
    assert first_input(aws, machine) == {"sold": 3}
    [message] = wait_until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), "the message")
    assert json.loads(message["Body"]) == {"said": "so"}


def test_a_function_is_invoked(aws, events, tmp_path):
    from tests.contract.emulator.templates import bare, write

    code = (
        "import os, boto3, json\n\ndef handler(event, context):\n"
        "    boto3.client('s3').put_object(Bucket='heard-things', Key='heard', Body=json.dumps(event))\n"
    )
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"FunctionName": "hears", "CodeUri": "echo/", "Handler": "app.handler", "Runtime": "python3.13"},
    }
    aws.deploy(write(tmp_path, bare(Hears=function), code=code), stack_name="hears")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="heard-things")
    rule(events, "hears", {"source": ["ear"]}, {"Arn": "arn:aws:lambda:us-east-1:123456789012:function:hears"})
    put_event(events, "ear", {"n": 1})
    wait_until(lambda: s3.list_objects_v2(Bucket="heard-things").get("Contents"), "the function")
    heard = json.load(s3.get_object(Bucket="heard-things", Key="heard")["Body"])
    assert (heard["detail"], heard["source"]) == ({"n": 1}, "ear")


def test_a_disabled_rule_and_a_rule_with_only_a_schedule_match_nothing(aws, events, machine):
    rule(events, "off", {"source": ["quiet"]}, {"Arn": machine, "RoleArn": ROLE}, State="DISABLED")
    events.put_rule(Name="only-time", ScheduleExpression="rate(30 days)", State="DISABLED")
    events.put_targets(Rule="only-time", Targets=[{"Id": "1", "Arn": machine, "RoleArn": ROLE}])
    other = create(aws, PASS)
    rule(events, "on", {"source": ["quiet"]}, {"Arn": other, "RoleArn": ROLE})
    put_event(events, "quiet", {})
    first_input(aws, other)  # deliveries keep their order
    assert inputs_of(aws, machine) == []


def test_a_delivery_that_fails_is_logged_and_the_next_one_arrives(aws, events, machine, caplog):
    nobody = "arn:aws:states:us-east-1:123456789012:stateMachine:nobody"
    with caplog.at_level(logging.ERROR, logger="emulator.events"):
        rule(events, "lost", {"source": ["lossy"]}, {"Arn": nobody, "RoleArn": ROLE}, {"Arn": machine, "RoleArn": ROLE})
        put_event(events, "lossy", {})
        first_input(aws, machine)
    assert "rule lost: not delivered to arn:aws:states:us-east-1:123456789012:stateMachine:nobody" in caplog.text
    assert "StateMachineDoesNotExist" in caplog.text


def test_a_target_that_is_never_served_is_refused(events):
    events.put_rule(Name="odd", EventPattern='{"source": ["x"]}')
    with pytest.raises(events.exceptions.ClientError, match="delivers to"):
        events.put_targets(Rule="odd", Targets=[{"Id": "1", "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/c"}])


# ---- schedules


def schedule(aws, name, expression, machine, *, given="{}", **fields):
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": ROLE, "Input": given},
        **fields,
    )


def test_a_rate_fires_again_and_again_in_scaled_time(aws, machine):
    schedule(aws, "often", "rate(1 minute)", machine, given='{"at": "<aws.scheduler.scheduled-time>"}')
    seen = wait_until(lambda: len(inputs_of(aws, machine)) >= 2 and inputs_of(aws, machine), "two executions")
    aws.client("scheduler").delete_schedule(Name="often")
    assert all(datetime.fromisoformat(given["at"]) for given in seen)


def test_at_fires_once_and_may_take_its_schedule_away(aws, machine):
    moment = (datetime.now(tz=UTC) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S")
    schedule(aws, "once", f"at({moment})", machine, ActionAfterCompletion="DELETE")
    first_input(aws, machine)
    scheduler = aws.client("scheduler")
    wait_until(lambda: "once" not in [s["Name"] for s in scheduler.list_schedules()["Schedules"]], "the deletion")
    assert len(inputs_of(aws, machine)) == 1


def test_a_disabled_schedule_does_not_fire_until_it_is_enabled(aws, machine):
    other = create(aws, PASS)
    schedule(aws, "sleeps", "rate(1 minute)", machine, State="DISABLED")
    schedule(aws, "wakes", "rate(1 minute)", other)
    wait_until(lambda: len(inputs_of(aws, other)) >= 2, "two executions of the other")
    assert inputs_of(aws, machine) == []
    scheduler = aws.client("scheduler")
    scheduler.update_schedule(
        Name="sleeps",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": ROLE},
    )
    first_input(aws, machine)
    for name in ("sleeps", "wakes"):
        scheduler.delete_schedule(Name=name)


@pytest.mark.parametrize(
    ("expression", "message"),
    [("cron(0 9 * * ? *)", "does not fire cron"), ("every day", "Invalid Schedule Expression")],
)
def test_a_schedule_that_would_never_fire_is_refused(aws, events, machine, expression, message):
    with pytest.raises(aws.client("scheduler").exceptions.ValidationException, match=message):
        schedule(aws, "never", expression, machine)
    with pytest.raises(events.exceptions.ClientError, match=r"ValidationException"):
        events.put_rule(Name="never", ScheduleExpression=expression)


def test_a_rule_with_a_rate_fires(aws, events, machine):
    events.put_rule(Name="ticks", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="ticks", Targets=[{"Id": "1", "Arn": machine, "RoleArn": ROLE}])
    assert first_input(aws, machine)["detail-type"] == "Scheduled Event"
    events.remove_targets(Rule="ticks", Ids=["1"])
    events.delete_rule(Name="ticks")


def test_expressions():
    assert parse_expression("rate(5 minutes)") == Rate(300)
    at = parse_expression("at(2026-07-01T09:30:00)", "Europe/Berlin")
    assert isinstance(at, At)
    assert at.moment.utcoffset() == timedelta(hours=2)
    for wrong in ("rate(0 minutes)", "rate(5)", "at(tomorrow)", "cron(* * * * ? *)"):
        with pytest.raises(ScheduleExpressionError):
            parse_expression(wrong)


# ---- the input of a target

EVENT = {"time": "2026-01-01T00:00:00Z", "detail": {"name": 'a "b"', "size": 3, "list": [{"x": 1}]}}


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, EVENT),
        ({"Input": "[1]"}, [1]),
        ({"InputPath": "$.detail.list[0].x"}, 1),
        ({"InputPath": "$.detail.nothing"}, None),
        (
            {
                "InputTransformer": {
                    "InputPathsMap": {"n": "$.detail.name", "s": "$.detail.size", "gone": "$.no"},
                    "InputTemplate": (
                        '{"text": "<n>: <s><gone>", "name": <n>, "size": <s>, "r": <aws.events.rule-name>}'
                    ),
                }
            },
            {"text": 'a "b": 3', "name": 'a "b"', "size": 3, "r": "r"},
        ),
    ],
)
def test_what_a_target_is_given(target, expected):
    given = target_input(target, EVENT, rule_arn="arn:aws:events:us-east-1:123456789012:rule/r")
    assert json.loads(given) == expected


def test_a_template_that_makes_no_json_or_names_nothing_is_an_error():
    with pytest.raises(TargetInputError, match="is not JSON"):
        target_input({"InputTransformer": {"InputTemplate": "{"}}, EVENT, rule_arn="arn:x/r")
    with pytest.raises(TargetInputError, match="has <nobody>"):
        fill_template("<nobody>", {})
