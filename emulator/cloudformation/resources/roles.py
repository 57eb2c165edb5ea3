"""AWS::IAM::Role, AWS::IAM::Policy and AWS::IAM::ManagedPolicy."""

import json
from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Physical, Properties, ResourceType, Site, pick


def _create_role(site: Site, properties: Properties) -> Physical:
    client = site.client("iam")
    name = properties.get("RoleName") or site.name()
    role = call(
        client,
        "create_role",
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps(properties["AssumeRolePolicyDocument"]),
        **pick(properties, "Description", "MaxSessionDuration", "Path", "Tags"),
    )["Role"]
    _grant(client, name, properties)
    return Physical(name, {"Arn": role["Arn"], "RoleId": role["RoleId"]})


def _update_role(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if pick(old, "RoleName", "Path") != pick(new, "RoleName", "Path"):
        raise ValueError("a role cannot be renamed or moved: start the emulator afresh")
    client, name = site.client("iam"), physical.ref
    trust = json.dumps(new["AssumeRolePolicyDocument"])
    client.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
    call(client, "update_role", RoleName=name, **pick(new, "Description", "MaxSessionDuration"))
    for policy in old.get("Policies", []):
        client.delete_role_policy(RoleName=name, PolicyName=policy["PolicyName"])
    for policy_arn in old.get("ManagedPolicyArns", []):
        client.detach_role_policy(RoleName=name, PolicyArn=policy_arn)
    _grant(client, name, new)
    return physical


def _grant(client: Any, role: str, properties: Properties) -> None:
    for policy in properties.get("Policies", []):
        document = _document(policy)
        client.put_role_policy(RoleName=role, PolicyName=policy["PolicyName"], PolicyDocument=document)
    for policy_arn in properties.get("ManagedPolicyArns", []):
        client.attach_role_policy(RoleName=role, PolicyArn=policy_arn)


def _document(policy: Properties) -> str:
    # SAM writes documents without a version, which IAM takes and moto does not.
    return json.dumps({"Version": "2012-10-17", **policy["PolicyDocument"]})


def _put_policy(site: Site, properties: Properties) -> Physical:
    document = _document(properties)
    for role in properties["Roles"]:
        site.client("iam").put_role_policy(RoleName=role, PolicyName=properties["PolicyName"], PolicyDocument=document)
    return Physical(properties["PolicyName"])


def _update_policy(site: Site, _physical: Physical, old: Properties, new: Properties) -> Physical:
    for role in old["Roles"]:
        site.client("iam").delete_role_policy(RoleName=role, PolicyName=old["PolicyName"])
    return _put_policy(site, new)


def _create_managed_policy(site: Site, properties: Properties) -> Physical:
    client = site.client("iam")
    policy = call(
        client,
        "create_policy",
        PolicyName=properties.get("ManagedPolicyName") or site.name(longest=128),
        PolicyDocument=_document(properties),
        **pick(properties, "Description", "Path"),
    )["Policy"]
    for role in properties.get("Roles", []):
        client.attach_role_policy(RoleName=role, PolicyArn=policy["Arn"])
    return Physical(policy["Arn"], {"PolicyArn": policy["Arn"]})


def _update_managed_policy(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if {**old, "PolicyDocument": None} != {**new, "PolicyDocument": None}:
        raise ValueError("of a managed policy only its document can change: start the emulator afresh")
    client = site.client("iam")
    document = _document(new)
    before = client.get_policy(PolicyArn=physical.ref)["Policy"]["DefaultVersionId"]
    client.create_policy_version(PolicyArn=physical.ref, PolicyDocument=document, SetAsDefault=True)
    client.delete_policy_version(PolicyArn=physical.ref, VersionId=before)  # IAM keeps five at most
    return physical


def _delete_role(site: Site, physical: Physical) -> None:
    client, name = site.client("iam"), physical.ref
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
