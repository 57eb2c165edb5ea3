"""Answering requests to function URLs: authentication, the event, the invocation, the response."""

import logging
from datetime import datetime

from moto.awslambda.exceptions import LambdaClientError

from emulator.account import ACCOUNT_ID, REGION
from emulator.gateway.endpoints.authentication import Authenticate, Now
from emulator.gateway.endpoints.function_calls import call_function, lambda_backend
from emulator.gateway.endpoints.function_responses import InvalidFunctionResponse, response_of
from emulator.gateway.endpoints.http_messages import HttpRequest, HttpResponse, json_response
from emulator.gateway.endpoints.request_events import MatchedEndpoint, Signer, event_of, trace_id
from emulator.gateway.endpoints.signatures import RequestRejected
from emulator.lambda_.api_errors import RequestTooLarge, TooManyRequests
from emulator.lambda_.control.function_urls import FunctionUrl
from emulator.lambda_.runtime.invocation import PAYLOAD_LIMIT

logger = logging.getLogger(__name__)

SERVICE = "lambda"
"""The service that requests to function URLs are signed for."""

_BAD_GATEWAY = HttpResponse(502, b"Internal Server Error", (("content-type", "application/json"),))


class FunctionUrlGateway:
    """Answers requests to all function URLs of the account."""

    def __init__(self, authenticate: Authenticate, now: Now) -> None:
        self._authenticate = authenticate
        self._now = now

    def answer(self, url_id: str, request: HttpRequest, request_id: str) -> HttpResponse:
        """Return the response to one request."""
        url = lambda_backend().function_urls.by_id(url_id)
        if url is None:
            return json_response(404, {"Message": "Not Found"}, ("x-amzn-errortype", "ResourceNotFoundException"))
        try:
            signer = self._authenticate(request, SERVICE) if url.auth_type == "AWS_IAM" else None
        except RequestRejected as refused:
            return json_response(403, {"Message": refused.message}, ("x-amzn-errortype", refused.code))
        return _run(url, request, signer, request_id, self._now())


def _run(url: FunctionUrl, request: HttpRequest, signer: Signer | None, request_id: str, now: datetime) -> HttpResponse:
    entrance = MatchedEndpoint(
        api_id=url.url_id,
        domain_name=f"{url.url_id}.lambda-url.{REGION}.on.aws",
        account_id=ACCOUNT_ID if signer else "anonymous",
    )
    event = event_of(request, entrance, signer=signer, request_id=request_id, now=now)
    try:
        outcome = call_function(url.function_name, url.qualifier, event, request_id)
        if outcome.fault is not None:
            return _BAD_GATEWAY
        answer = response_of(outcome.payload, default_type="application/json")
    except RequestTooLarge:
        too_large = {"Message": f"Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation"}
        return json_response(413, too_large, ("x-amzn-errortype", "RequestEntityTooLargeException"))
    except TooManyRequests:
        throttle = {"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
        return json_response(429, throttle, ("x-amzn-errortype", "TooManyRequestsException"))
    except (LambdaClientError, InvalidFunctionResponse) as error:
        logger.info("the function URL of %s: %s", url.function_name, error)
        return _BAD_GATEWAY
    trace = ("x-amzn-trace-id", trace_id(request_id, now))
    return HttpResponse(answer.status, answer.body, (*answer.headers, trace))
