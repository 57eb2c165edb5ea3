"""A threaded HTTP server on 127.0.0.1 that can be stopped without leaving a connection open."""

import contextlib
import errno
import logging
import socket
import sys
import threading
from typing import Any
from wsgiref.types import WSGIApplication

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import ThreadedWSGIServer

from emulator.errors import EmulatorError

logger = logging.getLogger(__name__)

_HOST = "127.0.0.1"
_BACKLOG = 128
"""The number of connections that may wait to be accepted."""


class _RequestHandler(MotoRequestHandler):
    """Sends answers without delay, and logs nothing."""

    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Log nothing: a line for each request would bury the warnings."""


class _Server(ThreadedWSGIServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, app: WSGIApplication, fd: int, port: int) -> None:
        super().__init__(_HOST, port, app, _RequestHandler, fd=fd)
        self._open: set[Any] = set()
        self._open_lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        """Log nothing but a debug line: a client that hangs up is no fault of the server."""
        logger.debug("the connection from %s broke", client_address, exc_info=sys.exception())

    def disconnect_all(self) -> None:
        """Hang up on clients that keep their connection alive."""
        with self._open_lock:
            left = list(self._open)
        for request in left:
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)


class HttpServer:
    """Serves a WSGI application from construction until `close()`."""

    def __init__(self, port: int) -> None:
        """Bind 127.0.0.1:`port` (0: a free one); EmulatorError when it is taken."""
        self._socket = _bind(port)
        self.port: int = self._socket.getsockname()[1]
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The URL that the server answers at."""
        return f"http://{_HOST}:{self.port}"

    def serve(self, app: WSGIApplication) -> None:
        """Start to answer with `app`, in threads of its own."""
        self._server = _Server(app, self._socket.fileno(), self.port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="emulator-http", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening and hang up. Safe to call twice."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.disconnect_all()
            self._server = None
        self._socket.close()


def _bind(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
        listening.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise EmulatorError(
                f"port {port} on {_HOST} is in use: stop the program that listens there or choose another with --port"
            ) from error
        raise EmulatorError(f"cannot listen on {_HOST} port {port}: {error}") from error
    return listening
