"""The part of HTTP/1.1 that a runtime client uses: keep-alive, Content-Length, chunks and 100-continue."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True)
class RuntimeRequest:
    """A request to the Runtime API. Header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class RuntimeResponse:
    """A response of the Runtime API. Content-Length is added when it is written."""

    status: HTTPStatus
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> RuntimeRequest:
    """Read the next request of a connection; raises IncompleteReadError when the client hung up."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    return RuntimeRequest(method, path.partition("?")[0], headers, body)


async def write_response(writer: asyncio.StreamWriter, response: RuntimeResponse) -> None:
    """Write a response and wait until the client can take more."""
    lines = [f"HTTP/1.1 {response.status.value} {response.status.phrase}"]
    headers = (("Content-Type", "application/json"), ("Content-Length", str(len(response.body))), *response.headers)
    lines += [f"{name}: {value}" for name, value in headers]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + response.body)
    await writer.drain()


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return bytes(body)
