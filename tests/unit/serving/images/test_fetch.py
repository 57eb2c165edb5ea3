import datetime as dt
import gzip
import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from model_tools.serving.images.fetch import Fetcher, is_public
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
            "/nowhere": (302, {}, b""),
            "/short": (200, {"Content-Length": "1000"}, b"only this"),
            "/bomb": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"\0" * 1_000_000)),
            "/a%20b?c=%22%C3%A4?": (200, {}, b"escaped"),
        }.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("127.0.0.1", id="IPv4 loopback"),
        pytest.param("10.1.2.3", id="IPv4 private 10"),
        pytest.param("172.16.0.1", id="IPv4 private 172"),
        pytest.param("192.168.1.1", id="IPv4 private 192"),
        pytest.param("169.254.169.254", id="IPv4 link-local"),
        pytest.param("100.64.0.1", id="IPv4 carrier-grade NAT"),
        pytest.param("0.0.0.0", id="IPv4 unspecified"),
        pytest.param("224.0.0.1", id="IPv4 multicast"),
        pytest.param("240.0.0.1", id="IPv4 reserved"),
        pytest.param("255.255.255.255", id="IPv4 broadcast"),
        pytest.param("::", id="IPv6 unspecified"),
        pytest.param("::1", id="IPv6 loopback"),
        pytest.param("fe80::1", id="IPv6 link-local"),
        pytest.param("fe80::1%eth0", id="IPv6 link-local with a zone"),
        pytest.param("fc00::1", id="IPv6 unique local"),
        pytest.param("fd00:ec2::254", id="IPv6 metadata service"),
        pytest.param("ff02::1", id="IPv6 multicast"),
        pytest.param("::ffff:127.0.0.1", id="IPv4-mapped loopback"),
        pytest.param("::ffff:10.0.0.1", id="IPv4-mapped private"),
        pytest.param("64:ff9b::7f00:1", id="NAT64 of loopback"),
        pytest.param("64:ff9b:1::808:808", id="local-use NAT64"),
        pytest.param("2002:7f00:1::", id="6to4 of loopback"),
        pytest.param("2001:0:1::1", id="Teredo"),
        pytest.param("fec0::1", id="IPv6 site-local"),
        pytest.param("::7f00:1", id="IPv4-compatible loopback"),
        pytest.param("2001:db8::1", id="IPv6 documentation"),
    ],
)
def test_an_address_that_is_not_public_is_known_however_it_is_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("8.8.8.8", id="IPv4"),
        pytest.param("93.184.216.34", id="another IPv4"),
        pytest.param("2606:4700::1111", id="IPv6"),
        pytest.param("::ffff:8.8.8.8", id="IPv4-mapped"),
        pytest.param("64:ff9b::808:808", id="NAT64"),
    ],
)
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
        ("/nowhere", "redirects more than 3 times"),
        ("/short", "broke off"),
        ("/none", "answers 404"),
        ("/large", "more than 100,000 bytes"),
    ],
)
def test_what_leads_elsewhere_or_is_too_much_is_refused(host: str, path: str, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        Fetcher(allowed_hosts=[host], max_bytes=100_000).fetch(f"http://{host}{path}")


def test_what_a_host_sends_compressed_stays_so_however_much_it_would_become(host: str) -> None:
    data = Fetcher(allowed_hosts=[host], max_bytes=10_000).fetch(f"http://{host}/bomb")

    assert len(gzip.decompress(data)) == 1_000_000


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("ftp://example.org/", id="FTP"),
        pytest.param("https://", id="no host"),
        pytest.param("https://me:secret@example.org/", id="user and password"),
        pytest.param("http://[::1", id="broken IPv6"),
        pytest.param("http://x:99999/", id="port too large"),
        pytest.param("x", id="no URL"),
        pytest.param("", id="empty"),
    ],
)
def test_what_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(BadRequest):
        Fetcher().fetch(url)


def test_what_is_not_escaped_in_a_path_is_and_what_is_stays(host: str) -> None:
    assert Fetcher(allowed_hosts=[host]).fetch(f"http://{host}/a b?c=%22\u00e4\ud800") == b"escaped"


def test_a_host_that_the_operator_trusts_is_so_at_its_own_port_alone(host: str) -> None:
    with pytest.raises(BadRequest, match="not on the public internet"):
        Fetcher(allowed_hosts=["127.0.0.1:1"]).fetch(f"http://{host}/image")


def test_the_next_address_of_a_host_is_tried_when_one_refuses(host: str) -> None:
    port = host.rpartition(":")[2]
    fetcher = Fetcher(allowed_hosts=["images.test"], resolve=lambda _name, _port: ["127.0.0.2", "127.0.0.1"])

    assert fetcher.fetch(f"http://images.test:{port}/image") == b"pixels"


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "body"])
def test_a_host_that_sends_a_byte_now_and_then_does_not_outlast_the_deadline(beginning: bytes) -> None:
    """Each byte comes well within a read's time; only all of them together take too long."""
    enough = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(beginning)
                while not enough.wait(0.02):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        host = f"127.0.0.1:{server.getsockname()[1]}"
        try:
            with pytest.raises(BadRequest, match=r"takes longer than 0\.3 s"):
                Fetcher(allowed_hosts=[host], seconds=0.3).fetch(f"http://{host}/")
        finally:
            enough.set()
            thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a key, and a certificate of the host images.test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "images.test")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("images.test")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def secure_port(certificate: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_over_tls_the_address_is_pinned_and_the_name_is_what_is_verified(secure_port: int, certificate: Path) -> None:
    fetcher = Fetcher(
        allowed_hosts=["images.test", "other.test"],
        resolve=lambda _name, _port: ["127.0.0.1"],
        tls=ssl.create_default_context(cafile=certificate),
    )

    assert fetcher.fetch(f"https://images.test:{secure_port}/moved") == b"pixels"
    with pytest.raises(BadRequest, match="SSLCertVerificationError"):
        fetcher.fetch(f"https://other.test:{secure_port}/image")


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(secure_port: int) -> None:
    fetcher = Fetcher(allowed_hosts=["images.test"], resolve=lambda _name, _port: ["127.0.0.1"])

    with pytest.raises(BadRequest, match="SSLCertVerificationError"):
        fetcher.fetch(f"https://images.test:{secure_port}/image")
