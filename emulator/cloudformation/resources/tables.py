"""AWS::DynamoDB::Table."""

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Physical, Properties, ResourceType, Site, pick

_AS_THEY_ARE = (
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
_WITH_THEIR_OWN_CALL = (
    "PointInTimeRecoverySpecification",
    "SSESpecification",
    "StreamSpecification",
    "TableName",
    "TimeToLiveSpecification",
)


def _create(site: Site, properties: Properties) -> Physical:
    client = site.client("dynamodb")
    name = properties.get("TableName") or site.name(longest=255)
    request = pick(properties, *_AS_THEY_ARE)
    if "SSESpecification" in properties:
        encryption = properties["SSESpecification"]
        request["SSESpecification"] = {
            "Enabled": encryption.pop("SSEEnabled"),
            # Without a type CloudFormation chooses the only one that there is.
            "SSEType": encryption.pop("SSEType", "KMS"),
            **encryption,
        }
    if "StreamSpecification" in properties:
        request["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    table = call(client, "create_table", TableName=name, **request)["TableDescription"]
    _protect(site, name, properties)
    attributes = {"Arn": table["TableArn"]}
    if "LatestStreamArn" in table:
        attributes["StreamArn"] = table["LatestStreamArn"]
    return Physical(name, attributes)


def _protect(site: Site, name: str, properties: Properties) -> None:
    client = site.client("dynamodb")
    recovery = "PointInTimeRecoverySpecification"
    if recovery in properties:
        call(client, "update_continuous_backups", TableName=name, **{recovery: properties[recovery]})
    expiry = "TimeToLiveSpecification"
    if expiry in properties:
        call(client, "update_time_to_live", TableName=name, **{expiry: properties[expiry]})


TYPES = {"AWS::DynamoDB::Table": ResourceType(frozenset(_AS_THEY_ARE) | frozenset(_WITH_THEIR_OWN_CALL), _create)}
