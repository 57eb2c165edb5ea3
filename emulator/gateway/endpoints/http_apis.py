"""Answering requests to HTTP APIs: stage and route, authentication, the event, the invocation, the response."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from moto.apigatewayv2.models import apigatewayv2_backends
from moto.awslambda.exceptions import LambdaClientError

from emulator.account import ACCOUNT_ID, REGION
from emulator.gateway.endpoints.authentication import Authenticate, Now
from emulator.gateway.endpoints.function_calls import call_function
from emulator.gateway.endpoints.function_responses import InvalidFunctionResponse, response_of
from emulator.gateway.endpoints.http_messages import HttpRequest, HttpResponse, json_response
from emulator.gateway.endpoints.request_events import MatchedEndpoint, event_of
from emulator.gateway.endpoints.routes import match_route
from emulator.gateway.endpoints.signatures import RequestRejected
from emulator.lambda_.api_errors import RequestTooLarge
from emulator.lambda_.runtime.invocation import InvocationOutcome

logger = logging.getLogger(__name__)

SERVICE = "execute-api"
"""The service that requests to HTTP APIs are signed for."""

DEFAULT_STAGE = "$default"
_NOT_FOUND = json_response(404, {"message": "Not Found"})
_FORBIDDEN = json_response(403, {"message": "Forbidden"})
_INTERNAL_ERROR = {"message": "Internal Server Error"}


class HttpApiGateway:
    """Answers requests to all HTTP APIs of the account.

    An integration has `patience` seconds to answer; the function itself is not ended by that.
    """

    def __init__(self, authenticate: Authenticate, now: Now, patience: float) -> None:
        self._authenticate = authenticate
        self._now = now
        self._patience = patience

    def answer(self, api_id: str, request: HttpRequest, request_id: str) -> HttpResponse:
        """Return the response to one request."""
        api = apigatewayv2_backends[ACCOUNT_ID][REGION].apis.get(api_id)
        stage, path = _stage_of(api, request) if api is not None else (None, "")
        if api is None or stage is None:
            return _NOT_FOUND
        routes = {route.route_key: route for route in list(api.routes.values())}
        matched = match_route(routes, request.method, path)
        if matched is None:
            return _NOT_FOUND
        route = routes[matched.route_key]
        try:
            signer = self._authenticate(request, SERVICE) if route.authorization_type == "AWS_IAM" else None
        except RequestRejected:
            return _FORBIDDEN
        entrance = MatchedEndpoint(
            api_id=api_id,
            domain_name=f"{api_id}.execute-api.{REGION}.amazonaws.com",
            account_id=ACCOUNT_ID,
            route_key=matched.route_key,
            stage=stage.name,
            path_parameters=matched.path_parameters,
            stage_variables=stage.stage_variables,
        )
        event = event_of(request, entrance, signer=signer, request_id=request_id, now=self._now())
        return self._run(_function_of(api, route), event, request_id)

    def _run(self, arn: str, event: dict[str, Any], request_id: str) -> HttpResponse:
        try:
            outcome = _in_time(lambda: call_function(arn, None, event, request_id), self._patience)
            if outcome.fault is not None:
                return json_response(502, _INTERNAL_ERROR)
            return response_of(outcome.payload, default_type="text/plain; charset=utf-8")
        except TimeoutError:
            return json_response(503, {"message": "Service Unavailable"})
        except RequestTooLarge:
            return json_response(413, {"message": "Request Entity Too Large"})
        except (InvalidFunctionResponse, LambdaClientError) as error:
            logger.info("%s: %s", arn, error)
            # API Gateway does not say why Lambda refused: throttled, not ready and not found look the same.
            return json_response(502 if isinstance(error, InvalidFunctionResponse) else 500, _INTERNAL_ERROR)


def _function_of(api: Any, route: Any) -> str:
    uri: str = api.integrations[route.target.removeprefix("integrations/")].integration_uri
    return uri.removesuffix("/invocations").rpartition("/functions/")[2]


def _stage_of(api: Any, request: HttpRequest) -> tuple[Any, str]:
    """Return the stage and the path below it; None for the stage when the API has no such stage."""
    first, _, rest = request.path.removeprefix("/").partition("/")
    if first in api.stages and first != DEFAULT_STAGE:
        return api.stages[first], f"/{rest}"
    return api.stages.get(DEFAULT_STAGE), request.path


def _in_time(work: Callable[[], InvocationOutcome], seconds: float) -> InvocationOutcome:
    """Return the result of the work. Raises TimeoutError when it takes longer than `seconds`; the work goes on."""
    done: Future[InvocationOutcome] = Future()

    def finish() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            done.set_exception(error)

    threading.Thread(target=finish, name="emulator-integration", daemon=True).start()
    return done.result(timeout=seconds)
