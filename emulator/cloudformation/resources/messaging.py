"""AWS::SNS::Topic and AWS::SQS::Queue."""

import json

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import (
    Properties,
    Resource,
    ResourceContext,
    ResourceType,
    arn,
    tag_map,
)

_QUEUE_ATTRIBUTES = frozenset(
    {
        "ContentBasedDeduplication",
        "DelaySeconds",
        "FifoQueue",
        "KmsMasterKeyId",
        "MaximumMessageSize",
        "MessageRetentionPeriod",
        "ReceiveMessageWaitTimeSeconds",
        "RedrivePolicy",
        "SqsManagedSseEnabled",
        "VisibilityTimeout",
    }
)


def _create_topic(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("sns")
    name = properties.get("TopicName") or context.name(longest=256)
    attributes = {key: str(properties[key]) for key in ("DisplayName", "KmsMasterKeyId") if key in properties}
    topic = call(client, "create_topic", Name=name, Attributes=attributes, Tags=properties.get("Tags", []))["TopicArn"]
    for subscription in properties.get("Subscription", []):
        call(client, "subscribe", TopicArn=topic, **subscription)
    return Resource(topic, {"TopicArn": topic, "TopicName": name})


def _create_queue(context: ResourceContext, properties: Properties) -> Resource:
    name = properties.pop("QueueName", None) or context.name(longest=80)
    tags = tag_map(properties.pop("Tags", None))
    attributes = {key: _attribute(value) for key, value in properties.items()}
    url = call(context.client("sqs"), "create_queue", QueueName=name, Attributes=attributes, tags=tags)["QueueUrl"]
    return Resource(url, {"Arn": arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _attribute(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict) else str(value)


TYPES = {
    "AWS::SNS::Topic": ResourceType(
        frozenset({"DisplayName", "KmsMasterKeyId", "Subscription", "Tags", "TopicName"}), _create_topic
    ),
    "AWS::SQS::Queue": ResourceType(_QUEUE_ATTRIBUTES | {"QueueName", "Tags"}, _create_queue),
}
