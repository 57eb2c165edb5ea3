"""The one way in: every request to the emulator, from a client, a function or the interpreter, passes here.

It knows who calls and which service or public endpoint is meant, and passes on. It decides nothing about
the request's content. A test can ask it to interrupt calls: to refuse them, or to do the work and lose the answer.
"""

import io
import logging
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from emulator.gateway.endpoints import PublicEndpoints
from emulator.gateway.error_responses import refuse
from emulator.iam import Caller

logger = logging.getLogger(__name__)

CALLER = "emulator.caller"
"""The key in the WSGI environment under which applications behind the front door find the Caller."""

_CREDENTIAL = re.compile(r"Credential=([^,\s]+)")

_SERIALISED_SERVICES = ("dynamodb", "events", "s3", "scheduler", "states")
"""The services that take one request at a time.

moto checks and then acts without a lock. In these services a second writer between the two would break promises that
callers rely on (conditional writes, names that exist once). None of their calls waits for long.
"""


@dataclass
class Interruption:
    """A fault that the next calls of one kind meet."""

    service: str
    """The service's name as in the scope of a signature: `lambda`, `dynamodb`, `s3`."""
    call: re.Pattern[str]
    """The operation's name where the protocol has one, the method and the path otherwise."""
    error: str | None
    """The code that a call is refused with before anything is done. With None the work is done and the answer lost."""
    skip: int
    """The number of calls that still pass before the first one is interrupted."""
    left: int
    """The number of calls that are still to be interrupted."""

    def concerns(self, service: str, environ: WSGIEnvironment) -> bool:
        """Return True when a request is one of these calls."""
        return self.left > 0 and service == self.service and self.call.fullmatch(_name_of_call(environ)) is not None


class FrontDoor:
    """WSGI middleware in front of moto's application."""

    def __init__(
        self, app: WSGIApplication, identify: Callable[[str | None], Caller], endpoints: PublicEndpoints | None = None
    ) -> None:
        self._app = app
        self._endpoints = endpoints
        self._identify = identify
        self._locks = {service: threading.Lock() for service in _SERIALISED_SERVICES}
        self._interruptions: list[Interruption] = []
        self._interrupting = threading.Lock()

    @contextmanager
    def interrupt(
        self, service: str, call: str, *, error: str | None = None, skip: int = 0, times: int = 1
    ) -> Iterator[Interruption]:
        """Let `skip` calls that match pass and interrupt the next `times`, until the block is left.

        `call` is a regular expression for the whole of the operation's name where the protocol has one
        (`UpdateItem`), of method and path otherwise (`PUT .*/aliases/live`). With an `error` the call is refused with
        that code and nothing is done; without one the work is done, and the connection breaks before the answer.
        The interruption that is yielded counts the calls that are still `left`.
        """
        interruption = Interruption(service, re.compile(call), error, skip, times)
        with self._interrupting:
            self._interruptions.append(interruption)
        try:
            yield interruption
        finally:
            with self._interrupting:
                self._interruptions.remove(interruption)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if self._endpoints is not None and self._endpoints.concerns(environ.get("HTTP_HOST", "")):
            _read_body(environ)
            return self._endpoints(environ, start_response)
        access_key, service = _scope(environ)
        environ[CALLER] = self._identify(access_key)
        lock = self._locks.get(service)
        if lock is not None:
            _read_body(environ)  # outside of the lock: a slow upload must not hold up everybody else
        try:
            interruption = self._interruption_of(service, environ)
            if interruption is not None and interruption.error is not None:
                code, message = interruption.error, "interrupted on request"
                return refuse(environ, start_response, status=500, code=code, message=message, service=service)
            with lock or nullcontext():
                if interruption is not None:
                    _drop_answer(self._app(environ, lambda *_: lambda _: None), environ)
                return self._app(environ, start_response)
        except ConnectionAbortedError:
            raise
        except NotImplementedError as error:
            message = f"the emulator cannot do this: {error}"
            status, code = 501, "NotImplemented"
        except Exception as error:
            logger.exception("%s %s (%s)", environ.get("REQUEST_METHOD"), environ.get("PATH_INFO"), service)
            message = f"the emulator failed: {type(error).__name__}: {error}"
            status, code = 500, "InternalFailure"
        return refuse(environ, start_response, status=status, code=code, message=message, service=service)

    def _interruption_of(self, service: str, environ: WSGIEnvironment) -> Interruption | None:
        with self._interrupting:
            for interruption in self._interruptions:
                if interruption.concerns(service, environ):
                    if interruption.skip == 0:
                        interruption.left -= 1
                        return interruption
                    interruption.skip -= 1
        return None


def _name_of_call(environ: WSGIEnvironment) -> str:
    """Return the operation's name where a header has it, else method and path."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    return target.rpartition(".")[2] or f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"


def _drop_answer(answer: Iterable[bytes], environ: WSGIEnvironment) -> NoReturn:
    """Read an answer to its end, and hang up instead of sending it."""
    for _ in answer:
        pass
    if (close := getattr(answer, "close", None)) is not None:
        close()
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("the answer is lost on request")


def _scope(environ: WSGIEnvironment) -> tuple[str | None, str]:
    """Return the access key and the service that a request is signed for, in its header or in a presigned URL."""
    signed = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if signed is not None:
        credential = signed[1]
    else:
        credential = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    key, *scope = credential.split("/")
    return key or None, scope[2] if len(scope) > 2 else ""  # noqa: PLR2004 - key/date/region/service/aws4_request


def _read_body(environ: WSGIEnvironment) -> None:
    """Put the whole body into memory, where moto puts it anyway."""
    if environ.get("wsgi.input_terminated"):
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read())
    elif length := int(environ.get("CONTENT_LENGTH") or 0):
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
    else:
        environ["wsgi.input"] = io.BytesIO()
