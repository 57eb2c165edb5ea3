"""AWS::ECR::Repository. It can be described; nothing can be pushed to it, since the emulator has no registry."""

import contextlib
import json
from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType

_PROPERTIES = frozenset(
    {
        "EncryptionConfiguration",
        "ImageScanningConfiguration",
        "ImageTagMutability",
        "LifecyclePolicy",
        "RepositoryName",
        "RepositoryPolicyText",
        "Tags",
    }
)
_IMMUTABLE = ("EncryptionConfiguration", "RepositoryName", "Tags")


def _create(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("ecr")
    name = properties.get("RepositoryName") or context.name(longest=256, lower=True)
    request: dict[str, Any] = {"imageTagMutability": properties.get("ImageTagMutability", "MUTABLE")}
    if "ImageScanningConfiguration" in properties:
        request["imageScanningConfiguration"] = _scanning(properties)
    if "EncryptionConfiguration" in properties:
        encryption = properties["EncryptionConfiguration"]
        request["encryptionConfiguration"] = {key[0].lower() + key[1:]: value for key, value in encryption.items()}
    if "Tags" in properties:
        request["tags"] = properties["Tags"]
    made = call(client, "create_repository", repositoryName=name, **request)["repository"]
    _put_policies(client, name, properties)
    return Resource(name, {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]})


def _update(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    for name in _IMMUTABLE:
        if old.get(name) != new.get(name):
            raise ValueError(f"{name} of a repository cannot change: start the emulator afresh")
    client = context.client("ecr")
    mutability = new.get("ImageTagMutability", "MUTABLE")
    client.put_image_tag_mutability(repositoryName=resource.ref, imageTagMutability=mutability)
    scanning = _scanning(new)
    call(client, "put_image_scanning_configuration", repositoryName=resource.ref, imageScanningConfiguration=scanning)
    with contextlib.suppress(client.exceptions.LifecyclePolicyNotFoundException):
        client.delete_lifecycle_policy(repositoryName=resource.ref)
    with contextlib.suppress(client.exceptions.RepositoryPolicyNotFoundException):
        client.delete_repository_policy(repositoryName=resource.ref)
    _put_policies(client, resource.ref, new)
    return resource


def _scanning(properties: Properties) -> dict[str, Any]:
    return {"scanOnPush": properties.get("ImageScanningConfiguration", {}).get("ScanOnPush", False)}


def _put_policies(client: Any, name: str, properties: Properties) -> None:
    if "LifecyclePolicy" in properties:
        text = properties["LifecyclePolicy"]["LifecyclePolicyText"]
        client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=text)
    if "RepositoryPolicyText" in properties:
        policy = properties["RepositoryPolicyText"]
        text = policy if isinstance(policy, str) else json.dumps(policy)
        client.set_repository_policy(repositoryName=name, policyText=text)


def _delete(context: ResourceContext, resource: Resource) -> None:
    context.client("ecr").delete_repository(repositoryName=resource.ref)


TYPES = {"AWS::ECR::Repository": ResourceType(_PROPERTIES, _create, _update, _delete)}
