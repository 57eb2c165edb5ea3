import http.server
import threading
from collections.abc import Iterator

import pytest

from model_tools.serving.fetch import Fetcher, is_public
from model_tools.serving.requests import BadRequest


class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = {
            "/image": (200, {}, b"pixels"),
            "/large": (200, {}, b"x" * 200_000),
            "/moved": (302, {"Location": "/image"}, b""),
            "/inward": (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
            "/file": (302, {"Location": "file:///etc/passwd"}, b""),
            "/circle": (302, {"Location": "/circle"}, b""),
        }.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_known_however_it_is_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:9001/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "https://10.0.0.1/",
    ],
)
def test_a_host_that_is_not_on_the_public_internet_is_refused(url: str) -> None:
    with pytest.raises(BadRequest, match=r"not on the public internet|has no address"):
        Fetcher().fetch(url)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(BadRequest, match="not on the public internet"):
        Fetcher(resolve=lambda host, port: ["93.184.216.34", "10.0.0.1"]).fetch("http://example.org/")


def test_the_connection_goes_to_the_address_that_was_checked(host: str) -> None:
    """A name that would resolve otherwise the second time is not asked a second time."""
    port = int(host.rpartition(":")[2])
    asked: list[str] = []

    def resolve(name: str, _port: int) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"]

    data = Fetcher(allowed_hosts=[f"images.test:{port}"], resolve=resolve).fetch(f"http://images.test:{port}/image")

    assert (data, asked) == (b"pixels", ["images.test"])


def test_a_host_that_the_operator_trusts_is_fetched_and_redirects_followed(host: str) -> None:
    assert Fetcher(allowed_hosts=[host]).fetch(f"http://{host}/moved") == b"pixels"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/inward", "not on the public internet"),
        ("/file", "must begin with https://"),
        ("/circle", "redirects more than 3 times"),
        ("/none", "answers 404"),
        ("/large", "more than 100,000 bytes"),
    ],
)
def test_what_leads_elsewhere_or_is_too_much_is_refused(host: str, path: str, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        Fetcher(allowed_hosts=[host], max_bytes=100_000).fetch(f"http://{host}{path}")


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "https://", "https://me:secret@example.org/", "http://[::1", "x"]
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        Fetcher().fetch(url)
