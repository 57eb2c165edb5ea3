"""A request to a function URL: let in, made an event, answered."""

import logging
from datetime import datetime

from moto.awslambda.exceptions import LambdaClientError

from emulator.account import ACCOUNT_ID, REGION
from emulator.gateway.endpoints.authentication import Authenticate, Now
from emulator.gateway.endpoints.function_calls import call_function, functions
from emulator.gateway.endpoints.function_responses import InvalidAnswer, response_of
from emulator.gateway.endpoints.http_messages import HttpRequest, HttpResponse, json_response
from emulator.gateway.endpoints.request_events import Entrance, Signer, event_of, trace_id
from emulator.gateway.endpoints.signatures import Refused
from emulator.lambda_.api_errors import RequestTooLarge, TooManyRequests
from emulator.lambda_.control.function_urls import FunctionUrl
from emulator.lambda_.runtime.invocation import PAYLOAD_LIMIT

logger = logging.getLogger(__name__)

SERVICE = "lambda"  # what requests are signed for
_BROKEN = HttpResponse(502, b"Internal Server Error", (("content-type", "application/json"),))


class FunctionUrls:
    """Answers requests to all function URLs of the account. `authenticate` returns the signer or raises Refused."""

    def __init__(self, authenticate: Authenticate, now: Now) -> None:
        self._authenticate = authenticate
        self._now = now

    def answer(self, url_id: str, request: HttpRequest, request_id: str) -> HttpResponse:
        """Return the response to one request."""
        url = functions().function_urls.by_id(url_id)
        if url is None:
            return json_response(404, {"Message": "Not Found"}, ("x-amzn-errortype", "ResourceNotFoundException"))
        try:
            signer = self._authenticate(request, SERVICE) if url.auth_type == "AWS_IAM" else None
        except Refused as refused:
            return json_response(403, {"Message": refused.message}, ("x-amzn-errortype", refused.code))
        return _run(url, request, signer, request_id, self._now())


def _run(url: FunctionUrl, request: HttpRequest, signer: Signer | None, request_id: str, now: datetime) -> HttpResponse:
    entrance = Entrance(
        api_id=url.url_id,
        domain_name=f"{url.url_id}.lambda-url.{REGION}.on.aws",
        account_id=ACCOUNT_ID if signer else "anonymous",
    )
    event = event_of(request, entrance, signer=signer, request_id=request_id, now=now)
    try:
        outcome = call_function(url.function_name, url.qualifier, event, request_id)
        if outcome.fault is not None:
            return _BROKEN
        answer = response_of(outcome.payload, default_type="application/json")
    except RequestTooLarge:
        message = f"Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation"
        return json_response(413, {"Message": message}, ("x-amzn-errortype", "RequestEntityTooLargeException"))
    except TooManyRequests:
        throttle = {"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User", "message": "Rate Exceeded."}
        return json_response(429, throttle, ("x-amzn-errortype", "TooManyRequestsException"))
    except (LambdaClientError, InvalidAnswer) as error:
        logger.info("the function URL of %s: %s", url.function_name, error)
        return _BROKEN
    trace = ("x-amzn-trace-id", trace_id(request_id, now))
    return HttpResponse(answer.status, answer.body, (*answer.headers, trace))
