"""AWS::DynamoDB::Table."""

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType, pick

_CREATION_FIELDS = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "TableClass",
    "Tags",
)
_OTHER_FIELDS = (
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "StreamSpecification",
    "TableName",
    "TimeToLiveSpecification",
)


def _create(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("dynamodb")
    name = properties.get("TableName") or context.name(longest=255)
    request = pick(properties, *_CREATION_FIELDS)
    if "SSESpecification" in properties:
        encryption = properties["SSESpecification"]
        request["SSESpecification"] = {
            "Enabled": encryption.pop("SSEEnabled"),
            # Without a type CloudFormation chooses KMS, the only one.
            "SSEType": encryption.pop("SSEType", "KMS"),
            **encryption,
        }
    if "StreamSpecification" in properties:
        request["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    table = call(client, "create_table", TableName=name, **request)["TableDescription"]
    _configure(context, name, properties)
    attributes = {"Arn": table["TableArn"]}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Resource(name, attributes)


def _configure(context: ResourceContext, name: str, properties: Properties) -> None:
    client = context.client("dynamodb")
    recovery = "PointInTimeRecoverySpecification"
    if recovery in properties:
        call(client, "update_continuous_backups", TableName=name, **{recovery: properties[recovery]})
    expiry = "TimeToLiveSpecification"
    if expiry in properties:
        call(client, "update_time_to_live", TableName=name, **{expiry: properties[expiry]})


TYPES = {"AWS::DynamoDB::Table": ResourceType(frozenset(_CREATION_FIELDS) | frozenset(_OTHER_FIELDS), _create)}
