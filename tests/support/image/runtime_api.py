"""Lambda's Runtime API as one container sees it: hands out events, takes the answers."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

NEXT = "/2018-06-01/runtime/invocation/next"


class RuntimeApi:
    """`ask` waits for the answer to an event, or for what init failed of."""

    def __init__(self) -> None:
        self._events: queue.Queue[object] = queue.Queue()
        self._answers: queue.Queue[tuple[str, Any]] = queue.Queue()

    def ask(self, event: object, *, seconds: float = 15) -> tuple[str, Any]:
        self._events.put(event)
        return self._answers.get(timeout=seconds)

    @contextmanager
    def serve(self) -> Iterator[str]:
        events, answers = self._events, self._answers

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                event = events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", "2f4d0c5e-0000-4000-8000-000000000000")
                self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
                self.send_header("Lambda-Runtime-Trace-Id", "Root=1-66f0c1de-1f2e3d4c5b6a79880a1b2c3d;Sampled=0")
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:1:function:f:3")
                self._send(json.dumps(event).encode())

            def do_POST(self) -> None:
                body = b"".join(self._chunks())
                answers.put((self.path.rpartition("/")[2], json.loads(body)))
                self.send_response(202)
                self._send(b"{}")

            def _chunks(self) -> Iterator[bytes]:
                if "Content-Length" in self.headers:
                    yield self.rfile.read(int(self.headers["Content-Length"]))
                    return
                while size := int(self.rfile.readline(), 16):
                    yield self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()

            def _send(self, body: bytes) -> None:
                self.send_header("Content-Type", "application/json")  # without it the client crashes
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Keep the test's output clean."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
