"""AWS::IAM::Role, AWS::IAM::Policy and AWS::IAM::ManagedPolicy."""

import json
from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType, pick


def _create_role(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("iam")
    name = properties.get("RoleName") or context.name()
    role = call(
        client,
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
        **pick(properties, "Description", "MaxSessionDuration", "Path", "Tags"),
    )["Role"]
    _grant(client, name, properties)
    return Resource(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _update_role(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if pick(old, "RoleName", "Path") != pick(new, "RoleName", "Path"):
        raise ValueError("a role cannot be renamed or moved: start the emulator afresh")
    client, name = context.client("iam"), resource.ref
    trust = json.dumps(new["AssumeRolePolicyDocument"])
    client.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    call(client, "update_role", RoleName=name, **pick(new, "Description", "MaxSessionDuration"))
    for policy in old.get("Policies", []):
        client.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])
    for policy_arn in old.get("ManagedPolicyArns", []):
        client.detach_role_policy(RoleName=name, PolicyArn=policy_arn)
    _grant(client, name, new)
    return resource


def _grant(client: Any, role: str, properties: Properties) -> None:
    for policy in properties.get("Policies", []):
        document = _document(policy)
        client.put_role_policy(RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document)
    for policy_arn in properties.get("ManagedPolicyArns", []):
        client.attach_role_policy(RoleName=role, PolicyArn=policy_arn)


def _document(policy: Properties) -> str:
    # SAM writes documents without a version, which IAM accepts and moto does not.
    return json.dumps({"Version": "2012-10-17", **policy["PolicyDocument"]})


def _put_policy(context: ResourceContext, properties: Properties) -> Resource:
    document = _document(properties)
    for role in properties["Roles"]:
        context.client("iam").put_role_policy(
            RoleName=role, PolicyName=properties["PolicyName"], PolicyDocument=document
        )
    return Resource(properties["PolicyName"])


def _update_policy(context: ResourceContext, _resource: Resource, old: Properties, new: Properties) -> Resource:
    for role in old["Roles"]:
        context.client("iam").delete_role_policy(RoleName=role, PolicyName=old["PolicyName"])
    return _put_policy(context, new)


def _create_managed_policy(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("iam")
    policy = call(
        client,
        "create_policy",
        PolicyName=properties.get("ManagedPolicyName") or context.name(longest=128),
        PolicyDocument=_document(properties),
        **pick(properties, "Description", "Path"),
    )["Policy"]
    for role in properties.get("Roles", []):
        client.attach_role_policy(RoleName=role, PolicyArn=policy["Arn"])
    return Resource(policy["Arn"], {"PolicyArn": policy["Arn"]})


def _update_managed_policy(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if {**old, "PolicyDocument": None} != {**new, "PolicyDocument": None}:
        raise ValueError("of a managed policy only its document can change: start the emulator afresh")
    client = context.client("iam")
    document = _document(new)
    before = client.get_policy(PolicyArn=resource.ref)["Policy"]["DefaultVersionId"]
    client.create_policy_version(PolicyArn=resource.ref, PolicyDocument=document, SetAsDefault=True)
    client.delete_policy_version(PolicyArn=resource.ref, VersionId=before)  # IAM keeps five at most
    return resource


def _delete_role(context: ResourceContext, resource: Resource) -> None:
    client, name = context.client("iam"), resource.ref
    for policy in client.list_role_policies(RoleName=name)["PolicyNames"]:
        client.delete_role_policy(RoleName=name, PolicyName=policy)
    for policy in client.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        client.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
    client.delete_role(RoleName=name)


TYPES = {
    "AWS::IAM::Role": ResourceType(
        frozenset(
            {
                "AssumeRolePolicyDocument",
                "Description",
                "ManagedPolicyArns",
                "MaxSessionDuration",
                "Path",
                "Policies",
                "RoleName",
                "Tags",
            }
        ),
        _create_role,
        _update_role,
        _delete_role,
    ),
    "AWS::IAM::Policy": ResourceType(frozenset({"PolicyDocument", "PolicyName", "Roles"}), _put_policy, _update_policy),
    "AWS::IAM::ManagedPolicy": ResourceType(
        frozenset({"Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles"}),
        _create_managed_policy,
        _update_managed_policy,
    ),
}
