"""All function URLs and HTTP APIs behind one port, told apart by the Host header."""

import logging
import re
import uuid
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from emulator.account import REGION
from emulator.gateway.endpoints.authentication import Now, authenticate_with
from emulator.gateway.endpoints.function_urls import FunctionUrlGateway
from emulator.gateway.endpoints.http_apis import HttpApiGateway
from emulator.gateway.endpoints.http_messages import HttpRequest, HttpResponse, json_response
from emulator.iam import CredentialIssuer

logger = logging.getLogger(__name__)

INTEGRATION_SECONDS = 30.0
"""The time that an HTTP API waits for a function, as on AWS."""

_HOST = re.compile(rf"(?P<id>[a-z0-9]+)\.(?P<kind>lambda-url|execute-api)\.{REGION}\.")
_URL = re.compile(r"https://(?P<name>[a-z0-9]+\.(?:lambda-url|execute-api)\.[a-z0-9-]+)\.[a-z.]+(?P<path>/.*)?")


class PublicEndpoints:
    """The WSGI application for all requests whose Host header names a function URL or an HTTP API."""

    def __init__(self, issuer: CredentialIssuer, now: Now, *, integration_seconds: float = INTEGRATION_SECONDS) -> None:
        authenticate = authenticate_with(issuer, now)
        self._answer = {
            "lambda-url": FunctionUrlGateway(authenticate, now).answer,
            "execute-api": HttpApiGateway(authenticate, now, integration_seconds).answer,
        }

    @staticmethod
    def concerns(host: str) -> bool:
        """Return True when a Host header names a function URL or an HTTP API."""
        return _HOST.match(host) is not None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. Its body must be in memory."""
        host = _HOST.match(environ["HTTP_HOST"])
        assert host is not None  # noqa: S101 - the front door has asked `concerns`
        request_id = str(uuid.uuid4())
        request = HttpRequest.from_environ(environ, environ["wsgi.input"].read())
        try:
            response = self._answer[host["kind"]](host["id"], request, request_id)
        except Exception as error:
            logger.exception("%s %s of %s", request.method, request.path, host[0])
            response = json_response(500, {"message": f"the emulator failed: {type(error).__name__}: {error}"})
        return _send(response, request_id, environ, start_response)


def _send(
    response: HttpResponse, request_id: str, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    headers = [*response.headers, ("content-length", str(len(response.body))), ("x-amzn-requestid", request_id)]
    start_response(response.status_line, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def local_url(url: str, port: int) -> str | None:
    """Return the local URL for the URL of a function or an HTTP API on AWS; None for any other text."""
    found = _URL.fullmatch(url)
    return f"http://{found['name']}.localhost:{port}{found['path'] or '/'}" if found else None
