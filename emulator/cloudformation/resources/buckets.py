"""AWS::S3::Bucket and AWS::S3::BucketPolicy."""

import json
from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType

_PROPERTIES = frozenset(
    {
        "BucketEncryption",
        "BucketName",
        "LifecycleConfiguration",
        "NotificationConfiguration",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
        "VersioningConfiguration",
    }
)
_UNCHANGED_LIFECYCLE_FIELDS = ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration", "Status")


def _create_bucket(context: ResourceContext, properties: Properties) -> Resource:
    name = properties.get("BucketName") or context.name(longest=63, lower=True)
    client = context.client("s3")
    existing = {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}
    if name in existing:
        # In us-east-1 it is no error to create one's own bucket again, but a stack may not take over a bucket.
        raise ValueError(f"the bucket {name} exists already")
    client.create_bucket(Bucket=name)
    _configure(context, name, properties)
    return Resource(name, _attributes(name))


def _attributes(name: str) -> dict[str, str]:
    return {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.us-east-1.amazonaws.com",
    }


def _update_bucket(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if old.get("BucketName") != new.get("BucketName"):
        raise ValueError("a bucket cannot be renamed: start the emulator afresh")
    gone = sorted(set(old) - set(new))
    if gone:
        raise ValueError(f"{gone[0]} cannot be taken away from a bucket: start the emulator afresh")
    _configure(context, resource.ref, new)
    return resource


def _configure(context: ResourceContext, name: str, properties: Properties) -> None:
    client = context.client("s3")

    def put(operation: str, **configuration: Any) -> None:
        call(client, operation, Bucket=name, **configuration)

    if "VersioningConfiguration" in properties:
        put("put_bucket_versioning", VersioningConfiguration=properties["VersioningConfiguration"])
    if "BucketEncryption" in properties:
        rules = [_encryption_rule(rule) for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]]
        put("put_bucket_encryption", ServerSideEncryptionConfiguration={"Rules": rules})
    if "PublicAccessBlockConfiguration" in properties:
        block = properties["PublicAccessBlockConfiguration"]
        put("put_public_access_block", PublicAccessBlockConfiguration=block)
    if "OwnershipControls" in properties:
        put("put_bucket_ownership_controls", OwnershipControls=properties["OwnershipControls"])
    if "LifecycleConfiguration" in properties:
        rules = [_lifecycle_rule(rule) for rule in properties["LifecycleConfiguration"]["Rules"]]
        put("put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": rules})
    if "NotificationConfiguration" in properties:
        put("put_bucket_notification_configuration", NotificationConfiguration=_notifications(properties))
    if "Tags" in properties:
        put("put_bucket_tagging", Tagging={"TagSet": properties["Tags"]})


def _encryption_rule(rule: dict[str, Any]) -> dict[str, Any]:
    renamed = dict(rule)
    if "ServerSideEncryptionByDefault" in renamed:
        renamed["ApplyServerSideEncryptionByDefault"] = renamed.pop("ServerSideEncryptionByDefault")
    return renamed


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    left = dict(rule)
    made: dict[str, Any] = {"Filter": {"Prefix": left.pop("Prefix", "")}}
    if "Id" in left:
        made["ID"] = left.pop("Id")
    expiration: dict[str, Any] = {}
    if "ExpirationInDays" in left:
        expiration["Days"] = int(left.pop("ExpirationInDays"))
    if "ExpiredObjectDeleteMarker" in left:
        expiration["ExpiredObjectDeleteMarker"] = left.pop("ExpiredObjectDeleteMarker")
    if expiration:
        made["Expiration"] = expiration
    made.update({key: left.pop(key) for key in _UNCHANGED_LIFECYCLE_FIELDS if key in left})
    if left:
        raise ValueError(f"the emulator does not know {min(left)} in a lifecycle rule")
    return made


def _notifications(properties: Properties) -> dict[str, Any]:
    wanted = dict(properties["NotificationConfiguration"])
    bridge = wanted.pop("EventBridgeConfiguration", None)
    if wanted:
        raise ValueError(f"the emulator sends a bucket's events to EventBridge only, not as {min(wanted)}")
    enabled = bridge is not None and str(bridge.get("EventBridgeEnabled", True)).lower() == "true"
    return {"EventBridgeConfiguration": {}} if enabled else {}


def _put_policy(context: ResourceContext, properties: Properties) -> Resource:
    bucket = properties["Bucket"]
    context.client("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(properties["PolicyDocument"]))
    return Resource(bucket)


def _update_policy(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if old["Bucket"] != new["Bucket"]:
        _delete_policy(context, resource)
    return _put_policy(context, new)


def _delete_policy(context: ResourceContext, resource: Resource) -> None:
    context.client("s3").delete_bucket_policy(Bucket=resource.ref)


TYPES = {
    "AWS::S3::Bucket": ResourceType(_PROPERTIES, _create_bucket, _update_bucket),
    "AWS::S3::BucketPolicy": ResourceType(
        frozenset({"Bucket", "PolicyDocument"}), _put_policy, _update_policy, _delete_policy
    ),
}
