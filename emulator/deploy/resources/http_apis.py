"""AWS::ApiGatewayV2::Api and Stage: they exist and can be described; the front door answers their calls with 501."""

from __future__ import annotations

import json

from emulator.deploy.api_call import call
from emulator.deploy.resource_type import Physical, Properties, ResourceType, Site, pick

_API = ("CorsConfiguration", "Description", "DisableExecuteApiEndpoint", "Tags")
_STAGE = frozenset(
    {"AccessLogSettings", "ApiId", "AutoDeploy", "DefaultRouteSettings", "Description", "StageName", "StageVariables"}
    | {"Tags"}
)


def _create_api(site: Site, properties: Properties) -> Physical:
    client = site.client("apigatewayv2")
    body = properties.get("Body", {})
    name = properties.get("Name") or body.get("info", {}).get("title") or site.name()
    api = call(
        client,
        "create_api",
        Name=name,
        ProtocolType=properties.get("ProtocolType", "HTTP"),
        **pick(properties, *_API),
    )
    if body:
        client.reimport_api(ApiId=api["ApiId"], Body=json.dumps(body))
    return Physical(api["ApiId"], {"ApiEndpoint": api["ApiEndpoint"], "ApiId": api["ApiId"]})


def _update_api(site: Site, physical: Physical, old: Properties, new: Properties) -> Physical:
    if {**old, "Body": None} != {**new, "Body": None}:
        raise ValueError("of an HTTP API only its Body can change: start the emulator afresh")
    site.client("apigatewayv2").reimport_api(ApiId=physical.ref, Body=json.dumps(new["Body"]))
    return physical


def _create_stage(site: Site, properties: Properties) -> Physical:
    call(site.client("apigatewayv2"), "create_stage", **properties)
    return Physical(properties["StageName"])


TYPES = {
    "AWS::ApiGatewayV2::Api": ResourceType(
        frozenset(_API) | {"Body", "Name", "ProtocolType"}, _create_api, _update_api
    ),
    "AWS::ApiGatewayV2::Stage": ResourceType(_STAGE, _create_stage),
}
