"""A function that answers with its event, behind Function URLs and an HTTP API."""

from tests.support.emulator.templates import bare, write

CODE = """
import base64
import json
import time


def handler(event, context):
    wanted = event.get("queryStringParameters", {}).get("want", "event")
    if wanted == "error":
        raise ValueError("no")
    if wanted == "text":
        return "Hello"
    if wanted == "number":
        return {"statusCode": "none"}
    if wanted == "large":
        return {"statusCode": 200, "body": "x" * 7_000_000}
    if wanted == "slow":
        time.sleep(1)
    if wanted == "bytes":
        body = base64.b64encode(bytes(range(256))).decode()
        headers = {"Content-Type": "image/png", "X-Count": 3}
        cookies = ["a=1", "b=2; Secure"]
        return {"statusCode": 201, "headers": headers, "cookies": cookies, "body": body, "isBase64Encoded": True}
    answer = {"event": event, "version": context.function_version, "request_id": context.aws_request_id}
    if wanted == "plain":
        return answer
    return {"statusCode": 200, "body": json.dumps(answer)}
"""
ECHO = {
    "Type": "AWS::Serverless::Function",
    "Properties": {
        "FunctionName": {"Fn::Sub": "${AWS::StackName}-echo"},
        "CodeUri": "echo/",
        "Handler": "app.handler",
        "Runtime": "python3.13",
        "Timeout": 30,
        "AutoPublishAlias": "live",
    },
}


def url(auth_type: str, **more):
    properties = {"TargetFunctionArn": {"Ref": "Echo"}, "AuthType": auth_type, **more}
    return {"Type": "AWS::Lambda::Url", "DependsOn": "EchoAliaslive", "Properties": properties}


def operation(auth_type: str, function="${Echo}:live", **integration):
    uri = (
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:"
    )
    return {
        "responses": {"default": {"description": "An answer"}},
        "x-amazon-apigateway-auth": {"type": auth_type},
        "x-amazon-apigateway-integration": {
            "type": "aws_proxy",
            "httpMethod": "POST",
            "payloadFormatVersion": "2.0",
            "uri": {"Fn::Sub": f"{uri}{function}/invocations"},
            **integration,
        },
    }


def api(**paths):
    body = {"openapi": "3.0.1", "info": {"title": "echo", "version": "1"}, "paths": paths}
    return {"Type": "AWS::Serverless::HttpApi", "Properties": {"DefinitionBody": body}}


PATHS = {
    "/signed": {"post": operation("AWS_IAM")},
    "/open": {"post": operation("NONE"), "get": operation("NONE")},
    "/open/{item}/of/{rest+}": {"x-amazon-apigateway-any-method": operation("NONE")},
    "/nowhere": {"post": operation("NONE", "missing")},
}


def deploy_echo(aws, folder):
    """Deploy the function with an alias; return its local URLs.

    LatestUrl is open, LiveUrl wants signatures, ApiUrl is that of an HTTP API.
    """
    resources = {"Echo": ECHO, "Live": url("AWS_IAM", Qualifier="live"), "Latest": url("NONE"), "Api": api(**PATHS)}
    outputs = {
        "LiveUrl": {"Value": {"Fn::GetAtt": ["Live", "FunctionUrl"]}},
        "LatestUrl": {"Value": {"Fn::GetAtt": ["Latest", "FunctionUrl"]}},
        "ApiUrl": {"Value": {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}},
        "Name": {"Value": {"Ref": "Echo"}},
    }
    template = write(folder, bare(**resources) | {"Outputs": outputs}, code=CODE)
    deployed = aws.deploy(template, stack_name="endpoints")
    assert deployed["LiveUrl"].startswith("https://")
    assert deployed["LiveUrl"].endswith(".lambda-url.us-east-1.on.aws/")
    local = aws.local_urls("endpoints")
    assert set(local) == {"LiveUrl", "LatestUrl", "ApiUrl"}
    return {name: value.rstrip("/") for name, value in local.items()}
