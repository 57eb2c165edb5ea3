"""Requests to function URLs and HTTP APIs as clients without an SDK make them, signed by botocore or not at all."""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

OPERATOR = Credentials("emulator-operator", "emulator-operator-secret")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return {key.lower(): value for key, value in self.headers}.get(name)


def request(
    url: str,
    body: bytes | str | None = b"{}",
    *,
    method: str = "POST",
    headers: dict[str, str] | None = None,
    service: str | None = None,
    keys: Credentials = OPERATOR,
    region: str = "us-east-1",
    tamper: bytes | None = None,
    chunks: Sequence[bytes] = (),
) -> Answer:
    """Send a request to an emulator's local URL, signed for `service` when that is given.

    `tamper` is sent in the place of the body that was signed, `chunks` one by one.
    """
    parts = urlsplit(url)
    data = body.encode() if isinstance(body, str) else body
    sent = {"host": parts.netloc, **({} if data is None else {"content-length": str(len(data))}), **(headers or {})}
    if service is not None:
        signed = AWSRequest(method, url, headers={"X-Made-Up": "a  b"}, data=data)
        SigV4Auth(keys, service, region).add_auth(signed)
        sent |= dict(signed.headers)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=60)
    try:
        connection.putrequest(method, parts.path + (f"?{parts.query}" if parts.query else ""), skip_host=True)
        for name, value in sent.items():
            connection.putheader(name, value)
        connection.endheaders(data if tamper is None else tamper)
        for chunk in chunks:
            connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if chunks:
            connection.send(b"0\r\n\r\n")
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()
