"""Calls that are interrupted on request, so that tests see what callers make of it."""

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from emulator.server import Emulator


def bucket_names(aws: Emulator) -> list[str]:
    return [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]]


def test_a_lost_answer_is_one_to_a_call_that_was_made(aws: Emulator) -> None:
    with (
        aws.front_door.interrupt("s3", "PUT /lost-.*") as interruption,
        pytest.raises(ConnectionClosedError),
    ):
        aws.client("s3").create_bucket(Bucket="lost-answer")

    assert interruption.left == 0
    assert "lost-answer" in bucket_names(aws)


def test_a_call_can_be_refused_with_any_error_so_many_times(aws: Emulator) -> None:
    dynamodb = aws.client("dynamodb")
    table = {
        "TableName": "refused",
        "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }

    with aws.front_door.interrupt("dynamodb", "CreateTable", error="LimitExceededException", times=2):
        for _ in range(2):
            with pytest.raises(dynamodb.exceptions.LimitExceededException):
                dynamodb.create_table(**table)
        dynamodb.create_table(**table)

    assert "refused" in dynamodb.list_tables()["TableNames"]


def test_only_the_calls_that_are_meant_are_interrupted(aws: Emulator) -> None:
    s3 = aws.client("s3")

    with aws.front_door.interrupt("s3", "PUT /skipped-.*", error="SlowDown", skip=1):
        s3.create_bucket(Bucket="another-one")
        s3.create_bucket(Bucket="skipped-one")
        with pytest.raises(ClientError, match="SlowDown"):
            s3.create_bucket(Bucket="skipped-two")
    s3.create_bucket(Bucket="skipped-three")

    assert {"skipped-one", "skipped-three"} == {name for name in bucket_names(aws) if "skipped" in name}
