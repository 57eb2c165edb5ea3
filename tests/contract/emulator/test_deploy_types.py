"""Every type of resource that a serverless application of ours is made of."""

from __future__ import annotations

import json
import urllib.request

import pytest

from tests.contract.emulator.templates import bare, write


def test_every_type_of_a_serverless_application_can_be_made(aws, tmp_path):
    resources = {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": "every-table",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "SSESpecification": {"SSEEnabled": True},
                "TimeToLiveSpecification": {"AttributeName": "gone", "Enabled": True},
            },
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": "every-bucket",
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                },
                "PublicAccessBlockConfiguration": {"BlockPublicAcls": True, "BlockPublicPolicy": True},
                "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
                "LifecycleConfiguration": {
                    "Rules": [
                        {"Id": "a", "Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
                        {"Id": "b", "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 90}},
                        {"Id": "c", "Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": "3"},
                    ]
                },
            },
        },
        "BucketPolicy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {
                "Bucket": {"Ref": "Bucket"},
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Effect": "Deny",
                            "Principal": "*",
                            "Action": "s3:*",
                            "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
                            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                        }
                    ],
                },
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 45}},
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"Subscription": [{"Protocol": "sqs", "Endpoint": {"Fn::GetAtt": ["Queue", "Arn"]}}]},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "AlarmName": "every-alarm",
                "Namespace": "AWS/Lambda",
                "MetricName": "Errors",
                "Statistic": "Sum",
                "Period": "60",
                "EvaluationPeriods": 1,
                "Threshold": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold",
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": "/every/group", "RetentionInDays": "7"},
        },
        "Managed": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}},
        },
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": "every-role",
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
                "ManagedPolicyArns": [{"Ref": "Managed"}, "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"],
                "Policies": [
                    {
                        "PolicyName": "own",
                        "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]},
                    }
                ],
            },
        },
        "Policy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "added",
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "sns:*", "Resource": "*"}]},
            },
        },
        "Echo": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "FunctionName": "every-echo",
                "CodeUri": "echo/",
                "Handler": "app.handler",
                "Runtime": "python3.13",
                "AutoPublishAlias": "live",
                "EventInvokeConfig": {"MaximumRetryAttempts": 1},
                "FunctionUrlConfig": {"AuthType": "AWS_IAM"},
            },
        },
        "Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "Echo.Alias"},
                "Action": "lambda:InvokeFunction",
                "Principal": "apigateway.amazonaws.com",
            },
        },
        "Api": {
            "Type": "AWS::Serverless::HttpApi",
            "Properties": {
                "DefinitionBody": {
                    "openapi": "3.0.1",
                    "info": {"title": "every", "version": "1"},
                    "paths": {
                        "/run": {
                            "post": {
                                "x-amazon-apigateway-integration": {
                                    "type": "aws_proxy",
                                    "httpMethod": "POST",
                                    "payloadFormatVersion": "2.0",
                                    "uri": {
                                        "Fn::Sub": "arn:aws:apigateway:us-east-1:lambda:path/x/${Echo.Arn}/invocations"
                                    },
                                }
                            }
                        }
                    },
                }
            },
        },
    }
    content = bare(**resources) | {
        "Outputs": {
            "Url": {"Value": {"Fn::GetAtt": ["EchoUrl", "FunctionUrl"]}},
            "Api": {"Value": {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/run"}},
        }
    }
    outputs = aws.deploy(write(tmp_path, content), stack_name="every")

    table = aws.client("dynamodb").describe_table(TableName="every-table")["Table"]
    assert table["SSEDescription"]["Status"] == "ENABLED"
    backups = aws.client("dynamodb").describe_continuous_backups(TableName="every-table")[
        "ContinuousBackupsDescription"
    ]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    s3 = aws.client("s3")
    assert [rule["ID"] for rule in s3.get_bucket_lifecycle_configuration(Bucket="every-bucket")["Rules"]] == [
        "a",
        "b",
        "c",
    ]
    assert "SecureTransport" in s3.get_bucket_policy(Bucket="every-bucket")["Policy"]
    assert s3.get_public_access_block(Bucket="every-bucket")["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    iam = aws.client("iam")
    assert sorted(iam.list_role_policies(RoleName="every-role")["PolicyNames"]) == ["added", "own"]
    assert len(iam.list_attached_role_policies(RoleName="every-role")["AttachedPolicies"]) == 2
    alarm = aws.client("cloudwatch").describe_alarms(AlarmNames=["every-alarm"])["MetricAlarms"][0]
    assert (alarm["Period"], alarm["AlarmActions"][0].split(":")[2]) == (60, "sns")
    groups = aws.client("logs").describe_log_groups(logGroupNamePrefix="/every")["logGroups"]
    assert groups[0]["retentionInDays"] == 7
    client = aws.client("lambda")
    assert client.get_alias(FunctionName="every-echo", Name="live")["FunctionVersion"] == "1"
    assert "apigateway" in client.get_policy(FunctionName="every-echo", Qualifier="live")["Policy"]
    routes = aws.client("apigatewayv2").get_routes(ApiId=outputs["Api"].split("/")[2].split(".")[0])["Items"]
    assert [route["RouteKey"] for route in routes] == ["POST /run"]

    # Nothing here changed, so nothing may be touched or refused.
    assert aws.deploy(tmp_path / "template.yaml", stack_name="every") == outputs
    # The public endpoints exist in name only, and say so.
    for url in outputs.values():
        host = url.split("/")[2]
        request = urllib.request.Request(aws.endpoint_url + "/run", data=b"{}", headers={"Host": host})  # noqa: S310
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)  # noqa: S310
        assert refused.value.code == 501
        assert "invoke the alias" in json.load(refused.value)["message"]
