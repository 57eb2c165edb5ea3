"""AWS::ApiGatewayV2::Api and Stage; the routes of an API come from its OpenAPI document."""

from typing import Any

from emulator.cloudformation.api_call import call
from emulator.cloudformation.resource_type import Physical, Properties, ResourceType, Site, pick

_API = ("Description", "DisableExecuteApiEndpoint", "Tags")
_STAGE = frozenset(
    {"AccessLogSettings", "ApiId", "AutoDeploy", "DefaultRouteSettings", "Description", "StageName", "StageVariables"}
    | {"Tags"}
)
_INTEGRATION = "x-amazon-apigateway-integration"
_AUTHORIZATION = "x-amazon-apigateway-auth"
_ANY = "x-amazon-apigateway-any-method"
_SAYS_NOTHING_OF_ROUTES = frozenset(
    {"description", "operationId", "parameters", "requestBody", "responses", "summary", "tags"}
)


def _create_api(site: Site, properties: Properties) -> Physical:
    client = site.client("apigatewayv2")
    body = properties.get("Body", {})
    name = properties.get("Name") or body.get("info", {}).get("title") or site.name()
    routes = _routes(body)
    api = call(
        client,
        "create_api",
        Name=name,
        ProtocolType=properties.get("ProtocolType", "HTTP"),
        **pick(properties, *_API),
    )
    _make_routes(client, api["ApiId"], routes)
    return Physical(api["ApiId"], {"ApiEndpoint": api["ApiEndpoint"], "ApiId": api["ApiId"]})


def _update_api(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if {**old, "Body": None} != {**new, "Body": None}:
        raise ValueError("of an HTTP API only its Body can change: start the emulator afresh")
    client, routes = site.client("apigatewayv2"), _routes(new["Body"])
    for route in client.get_routes(ApiId=physical.ref)["Items"]:
        client.delete_route(ApiId=physical.ref, RouteId=route["RouteId"])
        integration = route["Target"].removeprefix("integrations/")
        client.delete_integration(ApiId=physical.ref, IntegrationId=integration)
    _make_routes(client, physical.ref, routes)
    return physical


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
    """Return the operations of an OpenAPI document by route key; ValueError for what would not be as on AWS."""
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
    unknown = sorted(set(operation) - _SAYS_NOTHING_OF_ROUTES - {_INTEGRATION, _AUTHORIZATION})
    if unknown:
        raise ValueError(f"{key}: the emulator does not know {unknown[0]} of a route")
    integration = operation.get(_INTEGRATION, {})
    kind = (integration.get("type"), str(integration.get("payloadFormatVersion")))
    if kind != ("aws_proxy", "2.0"):
        raise ValueError(f"{key}: the emulator has integrations of type aws_proxy with payloadFormatVersion 2.0 only")
    authorization = operation.get(_AUTHORIZATION, {}).get("type", "NONE")
    if authorization not in ("AWS_IAM", "NONE"):
        raise ValueError(f"{key}: the emulator authorizes by AWS_IAM or NONE, not by {authorization}")


def _create_stage(site: Site, properties: Properties) -> Physical:
    call(site.client("apigatewayv2"), "create_stage", **properties)
    return Physical(properties["StageName"])


TYPES = {
    "AWS::ApiGatewayV2::Api": ResourceType(
        frozenset(_API) | {"Body", "Name", "ProtocolType"}, _create_api, _update_api
    ),
    "AWS::ApiGatewayV2::Stage": ResourceType(_STAGE, _create_stage),
}
