"""Events of S3 and of applications start the targets of the rules that match them."""

import json
import logging
from datetime import datetime

import pytest

from tests.support.emulator.machines import PASS, ROLE, create, first_input, inputs_of
from tests.support.emulator.templates import bare, write
from tests.support.emulator.waiting import wait_until


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
