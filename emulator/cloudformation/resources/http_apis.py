"""AWS::ApiGatewayV2::Api and Stage; the routes of an API come from its OpenAPI document."""

from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Properties, Resource, ResourceContext, ResourceType, pick

_API = ("Description", "DisableExecuteApiEndpoint", "Tags")
_STAGE = frozenset(
    {"AccessLogSettings", "ApiId", "AutoDeploy", "DefaultRouteSettings", "Description", "StageName", "StageVariables"}
    | {"Tags"}
)
_INTEGRATION = "x-amazon-apigateway-integration"
_AUTHORIZATION = "x-amazon-apigateway-auth"
_ANY = "x-amazon-apigateway-any-method"
_DOCUMENTATION_FIELDS = frozenset(
    {"description", "operationId", "parameters", "requestBody", "responses", "summary", "tags"}
)


def _create_api(context: ResourceContext, properties: Properties) -> Resource:
    client = context.client("apigatewayv2")
    body = properties.get("Body", {})
    name = properties.get("Name") or body.get("info", {}).get("title") or context.name()
    routes = _routes(body)
    api = call(
        client,
        "create_api",
        Name=name,
        ProtocolType=properties.get("ProtocolType", "HTTP"),
        **pick(properties, *_API),
    )
    _make_routes(client, api["ApiId"], routes)
    return Resource(api["ApiId"], {"ApiEndpoint": api["ApiEndpoint"], "ApiId": api["ApiId"]})


def _update_api(context: ResourceContext, resource: Resource, old: Properties, new: Properties) -> Resource:
    if {**old, "Body": None} != {**new, "Body": None}:
        raise ValueError("of an HTTP API only its Body can change: start the emulator afresh")
    client, routes = context.client("apigatewayv2"), _routes(new["Body"])
    for route in client.get_routes(ApiId=resource.ref)["Items"]:
        client.delete_route(ApiId=resource.ref, RouteId=route["RouteId"])
        integration = route["Target"].removeprefix("integrations/")
        client.delete_integration(ApiId=resource.ref, IntegrationId=integration)
    _make_routes(client, resource.ref, routes)
    return resource


def _make_routes(client: Any, api_id: str, routes: dict[str, Properties]) -> None:
    for key, operation in routes.items():
        integration = operation[_INTEGRATION]
        made = client.create_integration(
            ApiId=api_id,
            IntegrationType="AWS_PROXY",
            IntegrationMethod="POST",
            IntegrationUri=integration["uri"],
            PayloadFormatVersion="2.0",
        )
        authorization = operation.get(_AUTHORIZATION, {}).get("type", "NONE")
        target = f"integrations/{made['IntegrationId']}"
        client.create_route(ApiId=api_id, RouteKey=key, AuthorizationType=authorization, Target=target)


def _routes(document: Properties) -> dict[str, Properties]:
    """Return the operations of an OpenAPI document by route key.

    Raises ValueError for parts of the document that the emulator would ignore.
    """
    for field in ("components", "security", "x-amazon-apigateway-cors", "x-amazon-apigateway-importexport-version"):
        if document.get(field):
            raise ValueError(f"the emulator does not know {field} of an HTTP API")
    routes = {}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            key = f"{'ANY' if method == _ANY else method.upper()} {path}"
            key = "$default" if path == "/$default" else key
            _check(key, operation)
            routes[key] = operation
    return routes


def _check(key: str, operation: Properties) -> None:
    unknown = sorted(set(operation) - _DOCUMENTATION_FIELDS - {_INTEGRATION, _AUTHORIZATION})
    if unknown:
        raise ValueError(f"{key}: the emulator does not know {unknown[0]} of a route")
    integration = operation.get(_INTEGRATION, {})
    kind = (integration.get("type"), str(integration.get("payloadFormatVersion")))
    if kind != ("aws_proxy", "2.0"):
        raise ValueError(f"{key}: the emulator has integrations of type aws_proxy with payloadFormatVersion 2.0 only")
    authorization = operation.get(_AUTHORIZATION, {}).get("type", "NONE")
    if authorization not in ("AWS_IAM", "NONE"):
        raise ValueError(f"{key}: the emulator authorizes by AWS_IAM or NONE, not by {authorization}")


def _create_stage(context: ResourceContext, properties: Properties) -> Resource:
    call(context.client("apigatewayv2"), "create_stage", **properties)
    return Resource(properties["StageName"])


TYPES = {
    "AWS::ApiGatewayV2::Api": ResourceType(
        frozenset(_API) | {"Body", "Name", "ProtocolType"}, _create_api, _update_api
    ),
    "AWS::ApiGatewayV2::Stage": ResourceType(_STAGE, _create_stage),
}
