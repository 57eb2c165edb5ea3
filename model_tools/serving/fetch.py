"""Fetch an image from a URL that a caller chose, and from nowhere that the caller could not reach without us.

A host's name is resolved once, every address must be public, and the connection goes to the address that was checked:
a second lookup could answer otherwise. Each redirect is checked anew. urllib3 is used because it is already here
through botocore and lets the address be pinned while TLS still verifies the name.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from model_tools.serving.requests import BadRequest

MAX_REDIRECTS = 3
REDIRECTS = (301, 302, 303, 307, 308)
OK = 200
CHUNK = 1 << 16
PORTS = {"http": 80, "https": 443}
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Resolve = Callable[[str, int], list[str]]
"""Returns all addresses of a host."""


def resolve_host(host: str, port: int) -> list[str]:
    """Return all addresses of a host, by the system's resolver."""
    return [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def is_public(address: str) -> bool:
    """Tell whether an address is one of the public internet, also when it hides another within."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = (
            ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else None)
        )
        if hidden is not None:
            return is_public(str(hidden))
        if ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


@dataclass(frozen=True)
class Fetcher:
    """Fetches over http and https, within limits."""

    allowed_hosts: Collection[str] = ()
    """Hosts (`name` or `name:port`) that an operator trusts although their addresses are not public."""
    seconds: float = 5.0
    """For the whole fetch, redirects included."""
    max_bytes: int = 20 << 20
    resolve: Resolve = field(default=resolve_host)

    def fetch(self, url: str) -> bytes:
        """Return the bytes at a URL. Raises BadRequest for what must not, or cannot, be fetched."""
        deadline = monotonic() + self.seconds
        for _ in range(MAX_REDIRECTS + 1):
            response = self._get(_parse(url), deadline)
            try:
                if response.status not in REDIRECTS:
                    return self._read(response, deadline)
                url = urljoin(url, response.headers.get("location", ""))
            finally:
                response.close()
        raise BadRequest(f"the URL redirects more than {MAX_REDIRECTS} times.")

    def _get(self, url: SplitResult, deadline: float) -> urllib3.BaseHTTPResponse:
        host, port = url.hostname or "", url.port or PORTS[url.scheme]
        address = self._checked_address(host, port)
        timeout = urllib3.Timeout(total=max(0.1, deadline - monotonic()))
        headers = {"host": url.netloc.rpartition("@")[2], "user-agent": "model-tools", "accept": "image/*"}
        pool: urllib3.HTTPConnectionPool
        if url.scheme == "https":
            pool = urllib3.HTTPSConnectionPool(
                address, port, server_hostname=host, assert_hostname=host, ssl_context=ssl.create_default_context()
            )
        else:
            pool = urllib3.HTTPConnectionPool(address, port)
        path = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        try:
            return pool.urlopen(
                "GET", path, headers=headers, timeout=timeout, retries=False, redirect=False, preload_content=False
            )
        except HTTPError as error:
            raise BadRequest(f"the URL's host does not answer as it should ({type(error).__name__}).") from error

    def _checked_address(self, host: str, port: int) -> str:
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise BadRequest("the URL's host has no address.") from error
        trusted = host in self.allowed_hosts or f"{host}:{port}" in self.allowed_hosts
        if not addresses or not (trusted or all(is_public(address) for address in addresses)):
            raise BadRequest("the URL's host is not on the public internet.")
        return addresses[0]

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        if response.status != OK:
            raise BadRequest(f"the URL answers {response.status}.")
        data = bytearray()
        try:
            for chunk in response.stream(CHUNK, decode_content=False):
                data += chunk
                if len(data) > self.max_bytes:
                    raise BadRequest(f"the URL answers more than {self.max_bytes:,} bytes.")
                if monotonic() > deadline:
                    raise BadRequest(f"the URL takes longer than {self.seconds:g} s.")
        except HTTPError as error:
            raise BadRequest(f"the URL's answer broke off ({type(error).__name__}).") from error
        return bytes(data)


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
