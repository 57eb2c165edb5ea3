"""AWS::Lambda::Function, LayerVersion, Permission, Url and EventInvokeConfig."""

import io
import zipfile
from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.function_state import wait_until_active, wait_until_updated
from emulator.cloudformation.resource_type import (
    Properties,
    Resource,
    ResourceContext,
    ResourceType,
    pick,
    tag_map,
)

_CONFIGURATION = (
    "DeadLetterConfig",
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "SnapStart",
    "Timeout",
    "TracingConfig",
)
_CREATION_ONLY = ("Architectures", "PackageType")


def _create_function(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("lambda")
    name = properties.get("FunctionName") or context.name()
    function_arn = call(
        client,
        "create_function",
        FunctionName=name,
        Code=_code(properties),
        Tags=tag_map(properties.get("Tags")),
        **pick(properties, *_CONFIGURATION, *_CREATION_ONLY),
    )["FunctionArn"]
    if "ReservedConcurrentExecutions" in properties:
        _reserve(client, name, properties)
    return Resource(name, {"Arn": function_arn})


def _check_package(properties: Properties) -> None:
    if properties.get("PackageType", "Zip") != "Zip":
        raise ValueError(
            "there is no container engine here, so the emulator cannot run a container image: deploy a zip function "
            "(with this project's template: Lane=bundle); --preinstalled gives functions the packages that an image "
            "would have"
        )


def _code(properties: Properties) -> dict[str, Any]:
    code: dict[str, Any] = properties["Code"]
    if "ZipFile" not in code:
        return code
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py", (2020, 1, 1, 0, 0, 0)), code["ZipFile"])
    return {"ZipFile": buffer.getvalue()}


def _update_function(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    client, name = context.client("lambda"), resource.ref
    if pick(old, "FunctionName", "PackageType") != pick(new, "FunctionName", "PackageType"):
        raise ValueError("a function cannot be renamed or change its package type: start the emulator afresh")
    if pick(old, "Code", "Architectures") != pick(new, "Code", "Architectures"):
        call(client, "update_function_code", FunctionName=name, **_code(new), **pick(new, "Architectures"))
        wait_until_updated(client, name)
    if pick(old, *_CONFIGURATION) != pick(new, *_CONFIGURATION):
        gone = sorted(set(pick(old, *_CONFIGURATION)) - set(new))
        if gone:
            raise ValueError(f"{gone[0]} cannot be taken away from a function: start the emulator afresh")
        call(client, "update_function_configuration", FunctionName=name, **pick(new, *_CONFIGURATION))
        wait_until_updated(client, name)
    if old.get("ReservedConcurrentExecutions") != new.get("ReservedConcurrentExecutions"):
        _reserve(client, name, new)
    if old.get("Tags") != new.get("Tags"):
        client.tag_resource(Resource=resource.attributes["Arn"], Tags=tag_map(new.get("Tags")))
    return resource


def _reserve(client: Any, name: str, properties: Properties) -> None:
    reserved = properties.get("ReservedConcurrentExecutions")
    if reserved is None:
        client.delete_function_concurrency(FunctionName=name)
    else:
        call(client, "put_function_concurrency", FunctionName=name, ReservedConcurrentExecutions=reserved)


def _wait_for_function(context: ResourceContext, resource: Resource) -> None:
    wait_until_active(context.client("lambda"), resource.ref)
    wait_until_updated(context.client("lambda"), resource.ref)


def _delete_function(context: ResourceContext, resource: Resource) -> None:
    context.client("lambda").delete_function(FunctionName=resource.ref)


def _create_layer(context: ResourceContext, properties: Properties) -> Resource:
    properties.setdefault("LayerName", context.name())
    layer = call(context.client("lambda"), "publish_layer_version", **properties)["LayerVersionArn"]
    return Resource(layer, {"LayerVersionArn": layer})


def _update_layer(context: ResourceContext, _resource: Resource, _old: Properties, new: Properties) -> Resource:
    return _create_layer(context, new)  # a layer is changed by a new version


def _delete_layer(context: ResourceContext, resource: Resource) -> None:
    name, version = resource.ref.rsplit(":", 1)
    context.client("lambda").delete_layer_version(LayerName=name, VersionNumber=int(version))


def split_qualifier(function: str) -> tuple[str, str | None]:
    """Return the function and the qualifier (None without one) of a name or an ARN."""
    parts = function.split(":")
    if function.startswith("arn:"):
        unqualified = 7
        return ":".join(parts[:unqualified]), parts[unqualified] if len(parts) > unqualified else None
    return parts[0], parts[1] if len(parts) > 1 else None


def _create_permission(context: ResourceContext, properties: Properties) -> Resource:
    function, qualifier = split_qualifier(properties.pop("FunctionName"))
    if qualifier is not None:
        properties["Qualifier"] = qualifier
    statement = context.name(longest=100)
    call(context.client("lambda"), "add_permission", FunctionName=function, StatementId=statement, **properties)
    return Resource(statement)


def _create_url(context: ResourceContext, properties: Properties) -> Resource:
    function, qualifier = split_qualifier(properties.pop("TargetFunctionArn"))
    if qualifier is not None:
        properties["Qualifier"] = qualifier
    url = call(context.client("lambda"), "create_function_url_config", FunctionName=function, **properties)
    return Resource(url["FunctionArn"], {"FunctionArn": url["FunctionArn"], "FunctionUrl": url["FunctionUrl"]})


def _put_invoke_config(context: ResourceContext, properties: Properties) -> Resource:
    call(context.client("lambda"), "put_function_event_invoke_config", **properties)
    return Resource(f"{properties['FunctionName']}:{properties['Qualifier']}")


def _update_invoke_config(context: ResourceContext, _resource: Resource, _old: Properties, new: Properties) -> Resource:
    return _put_invoke_config(context, new)


TYPES = {
    "AWS::Lambda::Function": ResourceType(
        frozenset(_CONFIGURATION + _CREATION_ONLY) | {"Code", "FunctionName", "ReservedConcurrentExecutions", "Tags"},
        _create_function,
        _update_function,
        _delete_function,
        _wait_for_function,
        _check_package,
    ),
    "AWS::Lambda::LayerVersion": ResourceType(
        frozenset(
            {"CompatibleArchitectures", "CompatibleRuntimes", "Content", "Description", "LayerName", "LicenseInfo"}
        ),
        _create_layer,
        _update_layer,
        _delete_layer,
    ),
    "AWS::Lambda::Permission": ResourceType(
        frozenset(
            {
                "Action",
                "EventSourceToken",
                "FunctionName",
                "FunctionUrlAuthType",
                "InvokedViaFunctionUrl",
                "Principal",
                "PrincipalOrgID",
                "SourceAccount",
                "SourceArn",
            }
        ),
        _create_permission,
    ),
    "AWS::Lambda::Url": ResourceType(
        frozenset({"AuthType", "Cors", "InvokeMode", "Qualifier", "TargetFunctionArn"}), _create_url
    ),
    "AWS::Lambda::EventInvokeConfig": ResourceType(
        frozenset(
            {"DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"}
        ),
        _put_invoke_config,
        _update_invoke_config,
    ),
}
