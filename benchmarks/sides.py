"""Two sides, measured fairly: by turns, in processes of their own where memory counts, from the same object store."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import boto3
from botocore.config import Config

P = ParamSpec("P")
T = TypeVar("T")
BUCKET = "artifacts"
PATIENCE = 60.0


def by_turns(sides: Mapping[str, Callable[[], object]], rounds: int, *, warm_ups: int = 1) -> dict[str, list[float]]:
    """Return the seconds of each call of each side; who begins changes from round to round."""
    names = list(sides)
    for name in names * warm_ups:
        sides[name]()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            begun = time.perf_counter()
            sides[name]()
            seconds[name].append(time.perf_counter() - begun)
    return seconds


def in_new_process(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function of the running script in a fresh interpreter."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments, **named).result()


class PeakMemory:
    """How far the resident memory of this process rises above what it is at first, in bytes."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew [proc(5)]
        self._before = _status("VmRSS")

    def rise(self) -> int:
        return _status("VmHWM") - self._before


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


@contextlib.contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP, from a process of its own: a bucket for both sides. Yields the endpoint's URL."""
    (folder / BUCKET).mkdir(exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    with running([*command, "--protocol", "HTTP/1.1"]):
        wait_for_port(port)
        yield f"http://127.0.0.1:{port}"


def s3_client(endpoint: str) -> Any:
    """Return a client of an object store."""
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=endpoint, config=Config(s3={"addressing_style": "path"}), **keys)


@contextlib.contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, and end it and all that it started."""
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **options
    )
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Return when something listens at a port. Raises TimeoutError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError
