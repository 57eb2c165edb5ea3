"""A request to an HTTP API: its stage and route, let in, made an event, answered in time."""

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
from emulator.gateway.endpoints.function_responses import InvalidAnswer, response_of
from emulator.gateway.endpoints.http_messages import HttpRequest, HttpResponse, json_response
from emulator.gateway.endpoints.request_events import Entrance, event_of
from emulator.gateway.endpoints.routes import match
from emulator.gateway.endpoints.signatures import Refused
from emulator.lambda_.api_errors import RequestTooLarge
from emulator.lambda_.runtime.invocation import Outcome

logger = logging.getLogger(__name__)

SERVICE = "execute-api"  # what requests are signed for
DEFAULT_STAGE = "$default"
_NOT_FOUND = json_response(404, {"message": "Not Found"})
_FORBIDDEN = json_response(403, {"message": "Forbidden"})
_BROKEN = {"message": "Internal Server Error"}


class HttpApis:
    """Answers requests to all HTTP APIs of the account.

    `authenticate` returns the signer or raises Refused; an integration has `patience` seconds, the function itself
    goes on.
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
        matched = match(routes, request.method, path)
        if matched is None:
            return _NOT_FOUND
        route = routes[matched.route_key]
        try:
            signer = self._authenticate(request, SERVICE) if route.authorization_type == "AWS_IAM" else None
        except Refused:
            return _FORBIDDEN
        entrance = Entrance(
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
                return json_response(502, _BROKEN)
            return response_of(outcome.payload, default_type="text/plain; charset=utf-8")
        except TimeoutError:
            return json_response(503, {"message": "Service Unavailable"})
        except RequestTooLarge:
            return json_response(413, {"message": "Request Entity Too Large"})
        except (InvalidAnswer, LambdaClientError) as error:
            logger.info("%s: %s", arn, error)
            # API Gateway tells nobody why Lambda refused: throttled, not ready or not there are all the same.
            return json_response(502 if isinstance(error, InvalidAnswer) else 500, _BROKEN)


def _function_of(api: Any, route: Any) -> str:
    uri: str = api.integrations[route.target.removeprefix("integrations/")].integration_uri
    return uri.removesuffix("/invocations").rpartition("/functions/")[2]


def _stage_of(api: Any, request: HttpRequest) -> tuple[Any, str]:
    """Return the stage and the path below it; None for the stage when the API has not the one that is meant."""
    first, _, rest = request.path.removeprefix("/").partition("/")
    if first in api.stages and first != DEFAULT_STAGE:
        return api.stages[first], f"/{rest}"
    return api.stages.get(DEFAULT_STAGE), request.path


def _in_time(work: Callable[[], Outcome], seconds: float) -> Outcome:
    """Return what comes out of the work; TimeoutError when that takes too long, and the work goes on."""
    done: Future[Outcome] = Future()

    def finish() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits for it
            done.set_exception(error)

    threading.Thread(target=finish, name="emulator-integration", daemon=True).start()
    return done.result(timeout=seconds)
