"""Requests on their way through the front door to moto."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError


def test_concurrent_conditional_writes_have_one_winner(aws):
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName="race",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )

    def take(holder):
        try:
            dynamodb.put_item(
                TableName="race",
                Item={"id": {"S": "lease"}, "holder": {"N": str(holder)}},
                ConditionExpression="attribute_not_exists(id)",
            )
        except dynamodb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(take, range(64))) == 1


def test_a_large_object_goes_in_and_out(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="large-bucket")
    body = os.urandom(1024) * 8192
    s3.put_object(Bucket="large-bucket", Key="k", Body=body)
    assert s3.get_object(Bucket="large-bucket", Key="k")["Body"].read() == body


@pytest.mark.parametrize("service", ["json", "rest-json", "query"])
def test_what_moto_has_not_is_refused_as_not_implemented(aws, service):
    call = {
        "json": lambda: aws.client("stepfunctions").redrive_execution(
            executionArn="arn:aws:states:us-east-1:123456789012:execution:m:e"
        ),
        "rest-json": lambda: aws.client("apigatewayv2").import_api(Body="{}"),
        "query": lambda: aws.client("cloudformation").estimate_template_cost(TemplateBody="{}"),
    }[service]
    with pytest.raises(ClientError, match="the emulator cannot do this") as refused:
        call()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
