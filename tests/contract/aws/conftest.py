"""A plain moto server in a process of its own: what the commands say to AWS is understood, and so are its answers."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from model_tools.aws.connection import AwsTarget, Connection
from tests.support.ports import own_port


def wait_for(port: int, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("moto did not start")


@pytest.fixture(scope="package")
def endpoint():
    port = own_port()
    environ = {**os.environ, "MOTO_PORT": str(port)}
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(port, server)
        settings = b'{"stepfunctions": {"execute_state_machine": true}}'
        urllib.request.urlopen(f"{url}/moto-api/config", data=settings, timeout=10).close()  # noqa: S310 (our own)
        yield url
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="package")
def connection(endpoint):
    return Connection(AwsTarget(endpoint), environ={})
