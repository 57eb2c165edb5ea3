"""The three ways to a live model, and a server of images on this machine."""

import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.emulator.http_client import request
from tests.support.integration.stack import Stack

WAYS = {"HttpApiUrl": "execute-api", "FunctionUrl": "lambda"}
"""Outputs of the stack, each with the service that a request to it is signed for."""


class Live:
    """What is live in a stack, asked as clients ask it."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._urls = stack.emulator.local_urls()

    def ask(self, event: object) -> dict[str, Any]:
        """Return the answer of a direct call, which the answers over HTTP were found to agree with."""
        answer, version, error = self._stack.invoke(event)
        assert error is None, answer
        assert answer["version"] == version
        for way in WAYS:
            status, over_http = self.post(event, way)
            assert status == 200, over_http
            assert over_http.pop("version") == version
            assert near(over_http, {name: value for name, value in answer.items() if name != "version"}), way
        return answer

    def ask_directly(self, event: object) -> dict[str, Any]:
        answer, _, error = self._stack.invoke(event)
        assert error is None, answer
        return answer

    def post(self, event: object, way: str = "HttpApiUrl") -> tuple[int, Any]:
        answer = request(self._urls[way], json.dumps(event), service=WAYS[way])
        return answer.status, answer.json

    def run_curl(self, command: list[str]) -> dict[str, Any]:
        """Run a curl whose last word is $URL, as it stands in a README."""
        *words, url = command
        assert url == "$URL"
        done = subprocess.run([*words, "--silent", self._urls["HttpApiUrl"]], capture_output=True, check=True)
        return json.loads(done.stdout)


def near(found: Any, wanted: Any, tolerance: float = 1e-5) -> bool:
    """Tell whether two answers are the same but for roundings."""
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(near(found[name], wanted[name], tolerance) for name in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(partial(near, tolerance=tolerance), found, wanted))
    if isinstance(wanted, float):
        return abs(found - wanted) <= tolerance * max(1.0, abs(wanted))
    return bool(found == wanted)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder's files on this machine; yields host:port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
