"""Fetches an image from a URL that a caller chose, but only from addresses that the caller could reach without us.

A host's name is resolved once, all its addresses must be public, and the connection goes to one of the checked
addresses: a second lookup could give others. Each redirect is checked in the same way. The module uses http.client,
which lets us choose the address and limit the time of every read; urllib3's timeout starts again with each byte that a
slow host sends.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from model_tools.serving.requests import BadRequest

MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The IPv6 prefix behind which a NAT64 gateway reaches IPv4 addresses (RFC 6052)."""
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
"""The IPv6 addresses that are handed out for the public internet (RFC 4291)."""
HEADERS = {"user-agent": "model-tools", "accept": "image/*"}

Resolve = Callable[[str, int], list[str]]
"""Returns all addresses of a host; the arguments are its name and the port."""


def resolve_host(host: str, port: int) -> list[str]:
    """Return all addresses of a host that the system's resolver knows."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the public internet; an IPv4 address embedded in IPv6 decides for it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        behind_nat64 = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else None
        if hidden := ip.ipv4_mapped or ip.sixtofour or behind_nat64:
            return is_public(str(hidden))
        if ip not in GLOBAL_UNICAST or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@dataclass(frozen=True)
class Fetcher:
    """Fetches over http and https, within limits of time and size."""

    allowed_hosts: Collection[str] = ()
    """Hosts (`name` or `name:port`) that an operator trusts although their addresses are not public."""
    seconds: float = 5.0
    """The time for the whole fetch, redirects included; only the system's resolver has a limit of its own."""
    max_bytes: int = 20 << 20
    """The largest size of a response's body."""
    resolve: Resolve = field(default=resolve_host)
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)

    def fetch(self, url: str) -> bytes:
        """Return the bytes at a URL. Raises BadRequest for a URL that must not, or cannot, be fetched."""
        deadline = monotonic() + self.seconds
        try:
            for _ in range(MAX_REDIRECTS + 1):
                parts = _parse(url)
                with closing(self._connect(parts, deadline)) as connection:
                    connection.request("GET", _target(parts), headers=HEADERS)
                    response = connection.getresponse()
                    if response.status not in REDIRECTS:
                        return self._read(response)
                    url = urljoin(url, response.headers.get("location", ""))
        except TimeoutError as error:
            raise BadRequest(f"the URL takes longer than {self.seconds:g} s.") from error
        except (OSError, HTTPException) as error:
            raise BadRequest(f"the URL's host does not answer as it should ({type(error).__name__}).") from error
        raise BadRequest(f"the URL redirects more than {MAX_REDIRECTS} times.")

    def _connect(self, url: SplitResult, deadline: float) -> HTTPConnection:
        host, port = url.hostname or "", url.port or PORTS[url.scheme]
        addresses = self._checked_addresses(host, port)
        connection = HTTPConnection(host, port)
        connection.default_port = PORTS[url.scheme]  # http.client leaves the default port out of the Host header
        connection.sock = _open_socket(addresses, port, deadline)
        if url.scheme == "https":
            connection.sock = self._secure(connection.sock, host, deadline)
        return connection

    def _checked_addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise BadRequest("the URL's host has no address.") from error
        names = (host, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        trusted = any(allowed.lower() in names for allowed in self.allowed_hosts)
        if not addresses or not (trusted or all(is_public(address) for address in addresses)):
            raise BadRequest("the URL's host is not on the public internet.")
        return addresses

    def _secure(self, plain: socket.socket, host: str, deadline: float) -> socket.socket:
        self.tls.sslsocket_class = _DeadlineTlsSocket
        with closing(plain):  # wrap_socket takes the connection over from the plain socket
            plain.settimeout(_seconds_until(deadline))
            secured = self.tls.wrap_socket(plain, server_hostname=host)
        secured.deadline = deadline  # type: ignore[attr-defined]  # it is a _DeadlineTlsSocket
        return secured

    def _read(self, response: HTTPResponse) -> bytes:
        if response.status != HTTPStatus.OK:
            raise BadRequest(f"the URL answers {response.status}.")
        data = response.read(self.max_bytes + 1)
        if len(data) > self.max_bytes:
            raise BadRequest(f"the URL answers more than {self.max_bytes:,} bytes.")
        if response.length:
            raise BadRequest("the URL's answer broke off.")
        return data


class _DeadlineSocket(socket.socket):
    """A socket on which no read waits beyond the deadline, however many reads there are."""

    deadline: float

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_seconds_until(self.deadline))
        return super().recv_into(*args, **options)


class _DeadlineTlsSocket(ssl.SSLSocket):
    """A TLS socket on which no read waits beyond the deadline, however many reads there are."""

    deadline: float

    def recv_into(self, *args: Any, **options: Any) -> int:
        self.settimeout(_seconds_until(self.deadline))
        return super().recv_into(*args, **options)


def _seconds_until(deadline: float) -> float:
    """Return the seconds until the deadline. Raises TimeoutError once it has passed."""
    seconds = deadline - monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _open_socket(addresses: Collection[str], port: int, deadline: float) -> socket.socket:
    """Return a connection to the first address that accepts one. Raises OSError when none does."""
    failure = OSError("no address")
    for address in addresses:
        plain = _DeadlineSocket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
        try:
            plain.deadline = deadline
            plain.settimeout(_seconds_until(deadline))
            plain.connect((address, port))
        except OSError as error:
            plain.close()
            failure = error
        else:
            return plain
    raise failure


def _parse(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise BadRequest("the URL is not well-formed.") from error
    if parts.scheme not in PORTS:
        raise BadRequest("a URL must begin with https://, http:// or s3://.")
    if not parts.hostname or parts.username is not None:
        raise BadRequest("a URL must name a host, and no user.")
    return parts


def _target(url: SplitResult) -> str:
    """Return path and query for the request line, percent-encoded; existing percent-encoding stays as it is."""
    target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
    return quote(target, safe="/?%:@!$&'()*+,;=~[]", errors="replace")
