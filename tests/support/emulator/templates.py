"""Tiny SAM applications for the deployer's contract tests."""

import copy
import json

import yaml

ECHO = "def handler(event, context):\n    return {'echo': event, 'version': context.function_version}\n"

TEMPLATE = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Transform": "AWS::Serverless-2016-10-31",
    "Parameters": {
        "Size": {"Type": "Number", "Default": 256, "MinValue": 128, "MaxValue": 1024},
        "Mode": {"Type": "String", "Default": "quiet", "AllowedValues": ["quiet", "loud"]},
    },
    "Conditions": {"Loud": {"Fn::Equals": [{"Ref": "Mode"}, "loud"]}},
    "Resources": {
        "Echo": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "FunctionName": {"Fn::Sub": "${AWS::StackName}-echo"},
                "CodeUri": "echo/",
                "Handler": "app.handler",
                "Runtime": "python3.13",
                "MemorySize": {"Ref": "Size"},
                "Layers": [{"Ref": "Shared"}],
                "Environment": {"Variables": {"BUCKET": {"Ref": "Files"}}},
            },
        },
        "Shared": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": "shared/"}},
        "First": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Echo"}}},
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "Echo"},
                "FunctionVersion": {"Fn::GetAtt": ["First", "Version"]},
                "Name": "live",
            },
        },
        "Files": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": {"Fn::Sub": "${AWS::StackName}-files-${AWS::AccountId}"},
                "VersioningConfiguration": {"Status": "Enabled"},
            },
        },
        "Machine": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Name": {"Fn::Sub": "${AWS::StackName}-machine"},
                "DefinitionUri": "machine.asl.json",
                "DefinitionSubstitutions": {"EchoArn": {"Fn::GetAtt": ["Echo", "Arn"]}},
                "Policies": [{"LambdaInvokePolicy": {"FunctionName": {"Ref": "Echo"}}}],
            },
        },
    },
    "Outputs": {
        "EchoArn": {"Value": {"Fn::GetAtt": ["Echo", "Arn"]}, "Description": "the function"},
        "LiveArn": {"Value": {"Ref": "Live"}},
        "MachineArn": {"Value": {"Ref": "Machine"}},
        "Bucket": {"Value": {"Ref": "Files"}},
        "OnlyLoud": {"Value": "!", "Condition": "Loud"},
    },
}
MACHINE = {
    "StartAt": "Echo",
    "States": {
        "Echo": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${EchoArn}", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "End": True,
        }
    },
}


def template(**resources):
    """The template with resources added, or replaced, or taken away where they are None."""
    made = copy.deepcopy(TEMPLATE)
    for name, resource in resources.items():
        made["Resources"].pop(name, None)
        if resource is not None:
            made["Resources"][name] = resource
    return made


def bare(**resources):
    """A template with these resources only."""
    return {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}


def write(folder, content=None, *, code=ECHO, shared="NAME = 'shared'\n", machine=MACHINE):
    """Write an application; return the path of its template."""
    for name, text in {
        "echo/app.py": code,
        "shared/python/shared.py": shared,
        "machine.asl.json": json.dumps(machine),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    path = folder / "template.yaml"
    path.write_text(yaml.safe_dump(content if content is not None else TEMPLATE))
    return path
