"""Every type of resource that a serverless application is made of."""

import json

import pytest

from emulator.errors import EmulatorError
from tests.support.emulator.templates import bare, write


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
    assert [(route["RouteKey"], route["AuthorizationType"]) for route in routes] == [("POST /run", "NONE")]

    # Nothing here changed, so nothing may be touched or refused.
    assert aws.deploy(tmp_path / "template.yaml", stack_name="every") == outputs


def test_a_repository_of_images_can_be_made_and_changed(aws, tmp_path):
    def application(**properties):
        repository = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": "my/images", **properties}}
        uri = {"Uri": {"Value": {"Fn::GetAtt": ["Images", "RepositoryUri"]}}}
        return write(tmp_path, bare(Images=repository) | {"Outputs": uri})

    rule = {
        "rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5},
        "action": {"type": "expire"},
    }
    allow = {"Sid": "Pull", "Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}
    policies = {
        "LifecyclePolicy": {"LifecyclePolicyText": json.dumps({"rules": [rule]})},
        "RepositoryPolicyText": {"Version": "2012-10-17", "Statement": [allow]},
    }
    outputs = aws.deploy(
        application(
            **policies,
            ImageTagMutability="IMMUTABLE",
            ImageScanningConfiguration={"ScanOnPush": True},
            EncryptionConfiguration={"EncryptionType": "AES256"},
        ),
        stack_name="images",
    )
    ecr = aws.client("ecr")
    [made] = ecr.describe_repositories()["repositories"]
    assert outputs["Uri"] == made["repositoryUri"]
    assert (made["imageTagMutability"], made["imageScanningConfiguration"]) == ("IMMUTABLE", {"scanOnPush": True})
    assert json.loads(ecr.get_repository_policy(repositoryName="my/images")["policyText"])["Statement"] == [allow]
    assert "untagged" in ecr.get_lifecycle_policy(repositoryName="my/images")["lifecyclePolicyText"]

    aws.deploy(application(EncryptionConfiguration={"EncryptionType": "AES256"}), stack_name="images")
    [changed] = ecr.describe_repositories()["repositories"]
    assert (changed["imageTagMutability"], changed["imageScanningConfiguration"]) == ("MUTABLE", {"scanOnPush": False})
    with pytest.raises(ecr.exceptions.LifecyclePolicyNotFoundException):
        ecr.get_lifecycle_policy(repositoryName="my/images")

    aws.deploy(write(tmp_path, bare(Other={"Type": "AWS::SQS::Queue"})), stack_name="images")
    assert ecr.describe_repositories()["repositories"] == []


def test_a_function_from_an_image_is_refused_before_anything_is_made(aws, tmp_path):
    image = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"PackageType": "Image", "ImageUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/a:1"},
    }
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "never-made"}}

    with pytest.raises(EmulatorError, match=r"Served .*no container engine here.*Lane=bundle"):
        aws.deploy(write(tmp_path, bare(Queue=queue, Served=image)), stack_name="imaged")
    assert "QueueUrls" not in aws.client("sqs").list_queues(QueueNamePrefix="never-made")


def test_a_buckets_objects_and_their_old_versions_expire(aws, tmp_path):
    rule = {
        "Id": "forget",
        "Status": "Enabled",
        "ExpirationInDays": {"Ref": "Days"},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
    }
    bucket = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketName": "forgetful-bucket", "LifecycleConfiguration": {"Rules": [rule]}},
    }
    days = {"Parameters": {"Days": {"Type": "Number", "Default": 7}}}
    aws.deploy(write(tmp_path, bare(Results=bucket) | days), stack_name="forgetful")

    [kept] = aws.client("s3").get_bucket_lifecycle_configuration(Bucket="forgetful-bucket")["Rules"]
    assert (kept["Expiration"]["Days"], kept["NoncurrentVersionExpiration"]["NoncurrentDays"]) == (7, 1)
