"""The one way in: every request to the emulator, from a client, a function or the interpreter, passes here.

It knows who calls and which service is meant, refuses what is not emulated, and passes on. It decides nothing about
the request's content.
"""

from __future__ import annotations

import io
import logging
import re
import threading
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any
from urllib.parse import parse_qs

from emulator.credentials import Caller
from emulator.refusals import refuse

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

CALLER = "emulator.caller"  # where in the WSGI environment the next one finds the Caller

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")
_PUBLIC_HOSTS = {
    re.compile(r"^[a-z0-9]+\.execute-api\."): "an HTTP API",
    re.compile(r"^[a-z0-9]+\.lambda-url\."): "a function URL",
}
# moto checks and then acts without a lock. In these services a second writer between the two would break promises
# that callers rely on (conditional writes, names that exist once). None of their calls waits for long.
_ONE_AT_A_TIME = ("dynamodb", "events", "s3", "scheduler", "states")


class FrontDoor:
    """WSGI middleware in front of moto's application."""

    def __init__(self, app: WsgiApp, identify: Callable[[str | None], Caller]) -> None:
        self._app = app
        self._identify = identify
        self._locks = {service: threading.Lock() for service in _ONE_AT_A_TIME}

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        what = _public_endpoint(environ.get("HTTP_HOST", ""))
        if what is not None:
            message = f"the emulator does not answer {what} over HTTP: invoke the alias instead"
            return refuse(environ, start_response, status=501, code="NotImplemented", message=message)
        access_key, service = _scope(environ)
        environ[CALLER] = self._identify(access_key)
        lock = self._locks.get(service)
        if lock is not None:
            _read_body(environ)  # outside of the lock: a slow upload must not hold up everybody else
        try:
            with lock or nullcontext():
                return self._app(environ, start_response)
        except NotImplementedError as error:
            message = f"the emulator cannot do this: {error}"
            status, code = 501, "NotImplemented"
        except Exception as error:
            logger.exception("%s %s (%s)", environ.get("REQUEST_METHOD"), environ.get("PATH_INFO"), service)
            message = f"the emulator failed: {type(error).__name__}: {error}"
            status, code = 500, "InternalFailure"
        return refuse(environ, start_response, status=status, code=code, message=message, service=service)


def _scope(environ: Environ) -> tuple[str | None, str]:
    """Return the access key and the service that a request is signed for, in its header or in a presigned URL."""
    signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if signed is not None:
        credential = signed[1]
    else:
        credential = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    key, *scope = credential.split("/")
    return key or None, scope[2] if len(scope) > 2 else ""  # noqa: PLR2004 - key/date/region/service/aws4_request


def _public_endpoint(host: str) -> str | None:
    return next((what for pattern, what in _PUBLIC_HOSTS.items() if pattern.match(host)), None)


def _read_body(environ: Environ) -> None:
    """Put the whole body into memory, where moto puts it anyway."""
    if environ.get("wsgi.input_terminated"):
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read())
    elif length := int(environ.get("CONTENT_LENGTH") or 0):
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
