"""Warm requests over HTTP on this machine: the inference function behind its HTTP API, LitServe and TorchServe.

.venv/bin/python benchmarks/servers.py --servers build/servers/bin/python

Same model, same request; every server has one processor to itself and the client the other, so each computes with
one thread. Ours is the emulator's HTTP API, signed as AWS wants it, in front of the real runtime interface client.
`benchmarks/requirements.txt` says how the other servers are installed.
"""

import base64
import contextlib
import http.client
import json
import os
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import torch
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from nets import MODELS
from other_servers import SERVERS, SERVERS_PROCESSOR
from pictures import encoded
from report import Options, Row, main, missing, progress
from sides import PATIENCE, in_new_process
from stack import deployed, runtime_bundle, write_image_model, write_tensor_model

from emulator.account import OPERATOR_KEY, OPERATOR_SECRET, REGION

CLIENT_PROCESSOR = 1
BLOCK = 25
"""Requests to one server before it is the next one's turn."""

CALLS = 30
JSON = {"content-type": "application/json"}
GOAL = "no slower"
QUICK_SERVERS = ("LitServe",)


class _Client:
    """Sends one request again and again, on a connection that is kept alive."""

    def __init__(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        self._url = urlsplit(url)
        self._body = body
        self._headers = {"host": self._url.netloc, **headers}
        self.connect()

    def connect(self) -> None:
        """Begin anew: servers end a connection that is idle for some seconds."""
        self._connection = http.client.HTTPConnection("127.0.0.1", self._url.port, timeout=30)

    def ask(self) -> None:
        """Send the request. Raises RuntimeError unless it is answered with 200."""
        self._connection.request("POST", self._url.path or "/", self._body, self._headers)
        answer = self._connection.getresponse()
        contents = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{self._url.geturl()} answers {answer.status}: {contents[:300].decode()}")


def measure(options: Options) -> list[Row]:
    if (os.cpu_count() or 1) < 2:  # noqa: PLR2004 (the servers' and the client's)
        return [missing("warm requests over HTTP", "two processors are needed", GOAL)]
    runtime_bundle()  # before the processors are shared out
    os.sched_setaffinity(0, {CLIENT_PROCESSOR})
    image = base64.b64encode(encoded(3, 1, (640, 480))).decode()
    numbers = torch.rand(1, 64, generator=torch.Generator().manual_seed(0)).tolist()
    rows = []
    with tempfile.TemporaryDirectory() as name, _our_server() as ours:
        folder = Path(name)
        tensor_model = write_tensor_model(folder / "tensor")
        rows += _measure("small net", tensor_model, {"input": numbers}, ours, options)
        if not options.quick:
            image_model = write_image_model(folder / "image")
            rows += _measure("ResNet-18", image_model, {"image": image}, ours, options)
    return rows


def _measure(name: str, folder: Path, request: dict[str, Any], ours: Connection, options: Options) -> list[Row]:
    model, body = folder / "model.pt", json.dumps(request).encode()
    progress(f"servers: publishing the {name}")
    url = _ask_stack(ours, folder)
    wanted = {server: SERVERS[server] for server in (QUICK_SERVERS if options.quick else SERVERS)}
    absent = {}
    with contextlib.ExitStack() as started:
        clients = {"ours": _Client(url, body, _signature(url, body))}
        for server, start in wanted.items():
            progress(f"servers: starting {server} with the {name}")
            try:
                client = _Client(started.enter_context(start(options.servers, model)), body, JSON)
                _wait_for_answer(client)
            except (OSError, RuntimeError, http.client.HTTPException) as error:
                absent[server] = str(error)
            else:
                clients[server] = client
        progress(f"servers: asking {', '.join(clients)} about the {name}")
        seconds = _by_blocks(clients, 4 if options.quick else 12)
    inside, own = _ask_stack(ours, request), in_new_process(_model_seconds, model, name)
    return [
        _row(name, server, seconds, own, inside)
        if server in clients
        else missing(_title(name, server), absent[server], GOAL)
        for server in wanted
    ]


def _row(name: str, server: str, seconds: dict[str, list[float]], own: float, inside: float) -> Row:
    whole = {side: 1000 * median(times) for side, times in seconds.items()}
    theirs, ours = whole[server] - 1000 * own, whole["ours"] - 1000 * own
    note = (
        f"{server} stands in the first column. Whole requests take {whole[server]:.2f} and {whole['ours']:.2f} ms, of "
        f"which the model takes {1000 * own:.2f}; our function takes {1000 * inside:.2f} ms, the rest is the emulator."
    )
    return Row(_title(name, server), theirs, ours, "ms", GOAL, ours <= theirs, theirs / ours, note)


def _title(name: str, subject: str) -> str:
    return f"time that {subject} adds to a warm request, {name}"


def _by_blocks(clients: dict[str, _Client], rounds: int) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {server: [] for server in clients}
    for number in range(rounds + 1):
        for server, client in clients.items():
            client.connect()
            client.ask()
            for _ in range(BLOCK):
                begun = time.perf_counter()
                client.ask()
                if number:  # the first block warms up
                    seconds[server].append(time.perf_counter() - begun)
    return seconds


def _wait_for_answer(client: _Client) -> None:
    """Return when a server answers. Raises the last error."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            client.ask()
        except (OSError, RuntimeError, http.client.HTTPException):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
            client.connect()
        else:
            return


def _model_seconds(model: Path, name: str) -> float:
    """Return the median of the bare model's calls, with one thread."""
    os.sched_setaffinity(0, {CLIENT_PROCESSOR})
    torch.set_num_threads(1)
    loaded, example = torch.jit.load(str(model)).eval(), MODELS[name][1]
    seconds = []
    with torch.inference_mode():
        for _ in range(60):
            begun = time.perf_counter()
            loaded(example)
            seconds.append(time.perf_counter() - begun)
    return median(seconds[10:])


@contextlib.contextmanager
def _our_server() -> Iterator[Connection]:
    """Run the stack in a process of its own; yields a connection to it."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve_stack, args=(theirs,))
    process.start()
    theirs.close()  # or nobody would notice here that the other process has ended
    try:
        yield ours
    finally:
        ours.close()
        process.join()


def _ask_stack(connection: Connection, order: object) -> Any:
    """Send a folder to have it published and be told its URL, then a request to be told how long a call takes."""
    connection.send(order)
    return connection.recv()


def _serve_stack(connection: Connection) -> None:
    os.sched_setaffinity(0, {SERVERS_PROCESSOR})
    with deployed() as stack, contextlib.suppress(EOFError):
        while True:
            stack.publish(connection.recv())
            connection.send(stack.emulator.local_urls()["HttpApiUrl"])
            request = connection.recv()
            connection.send(median(stack.duration(request) for _ in range(CALLS)))


def _signature(url: str, body: bytes) -> dict[str, str]:
    """Return the headers that sign a request to the HTTP API."""
    request = AWSRequest("POST", url, {"content-type": "application/json", "host": urlsplit(url).netloc}, body)
    SigV4Auth(Credentials(OPERATOR_KEY, OPERATOR_SECRET), "execute-api", REGION).add_auth(request)
    return dict(request.headers.items())


if __name__ == "__main__":
    main(measure, __doc__)
