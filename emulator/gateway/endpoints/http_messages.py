"""HTTP requests and responses as plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self


@dataclass(frozen=True)
class HttpRequest:
    """A request as it was received.

    Header names are in lower case, and repeated headers are joined by commas. Path and query are not decoded.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    protocol: str = "HTTP/1.1"
    source_ip: str = "127.0.0.1"

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any], body: bytes) -> Self:
        """Return the request of a WSGI environment."""
        path, _, query = str(environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if (name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")) and isinstance(value, str)
        }
        return cls(
            method=environ["REQUEST_METHOD"],
            path=path,
            query=query,
            headers=headers,
            body=body,
            protocol=environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            source_ip=environ.get("REMOTE_ADDR", "127.0.0.1"),
        )


@dataclass(frozen=True)
class HttpResponse:
    """A response. `headers` may hold a name several times; Content-Length is added when the response is sent."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def status_line(self) -> str:
        """The status with its reason, as WSGI wants it."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return f"{self.status} Unknown"


def json_response(status: int, body: Mapping[str, Any], *headers: tuple[str, str]) -> HttpResponse:
    """Return a response with a JSON body."""
    text = json.dumps(body, separators=(",", ":"))
    return HttpResponse(status, text.encode(), (("content-type", "application/json"), *headers))
