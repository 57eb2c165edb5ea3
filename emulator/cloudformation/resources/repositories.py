"""AWS::ECR::Repository: it can be described; nothing can be pushed to it, for want of a registry."""

import contextlib
import json
from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Physical, Properties, ResourceType, Site

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
_FIXED = ("EncryptionConfiguration", "RepositoryName", "Tags")


def _create(site: Site, properties: Properties) -> Physical:
    client = site.client("ecr")
    name = properties.get("RepositoryName") or site.name(longest=256, lower=True)
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
    return Physical(name, {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]})


def _update(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    for name in _FIXED:
        if old.get(name) != new.get(name):
            raise ValueError(f"{name} of a repository cannot change: start the emulator afresh")
    client = site.client("ecr")
    mutability = new.get("ImageTagMutability", "MUTABLE")
    client.put_image_tag_mutability(repositoryName=physical.ref, imageTagMutability=mutability)
    scanning = _scanning(new)
    call(client, "put_image_scanning_configuration", repositoryName=physical.ref, imageScanningConfiguration=scanning)
    with contextlib.suppress(client.exceptions.LifecyclePolicyNotFoundException):
        client.delete_lifecycle_policy(repositoryName=physical.ref)
    with contextlib.suppress(client.exceptions.RepositoryPolicyNotFoundException):
        client.delete_repository_policy(repositoryName=physical.ref)
    _put_policies(client, physical.ref, new)
    return physical


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


def _delete(site: Site, physical: Physical) -> None:
    site.client("ecr").delete_repository(repositoryName=physical.ref)


TYPES = {"AWS::ECR::Repository": ResourceType(_PROPERTIES, _create, _update, _delete)}
