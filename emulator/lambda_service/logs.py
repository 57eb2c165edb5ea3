"""Function logs: from a process's stdout and stderr to a stream in CloudWatch Logs, line by line."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from moto.logs.models import logs_backends

from emulator.lambda_service.spec import FunctionSpec

TAIL_LIMIT = 4096  # bytes that LogType Tail gives back
READ_SIZE = 65_536
logger = logging.getLogger(__name__)


class LogWriter:
    """Writes batches in order, in one thread of its own: a subscription filter may make a write slow."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lambda-logs")

    def write(self, spec: FunctionSpec, stream: str, events: list[dict]) -> asyncio.Future[None]:
        """Append events to a stream; the group and the stream are made when they do not exist."""
        return asyncio.wrap_future(self._thread.submit(self._put, spec, stream, events))

    def close(self) -> None:
        """Write what is queued, then stop."""
        self._thread.shutdown()

    @staticmethod
    def _put(spec: FunctionSpec, stream: str, events: list[dict]) -> None:
        try:
            backend = logs_backends[spec.account_id][spec.region]
            backend.ensure_log_group(spec.log_group)
            backend.ensure_log_stream(spec.log_group, stream)
            if events:
                backend.put_log_events(spec.log_group, stream, events)
        except Exception:  # a function must not fail because its log does
            logger.exception("log of %s was lost: %s", spec.name, stream)


class LogStream:
    """The log of one environment. `tail` holds what was written since `begin`."""

    def __init__(self, writer: LogWriter, spec: FunctionSpec) -> None:
        day = datetime.now(UTC).strftime("%Y/%m/%d")
        self.name = f"{day}/[{spec.version}]{uuid.uuid4().hex}"
        self._writer = writer
        self._spec = spec
        self._reading: int | None = None
        self._partial = b""
        self._invocation: list[bytes] = []

    def open_pipe(self) -> int:
        """Return a descriptor that a process may write to; the caller closes its copy."""
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        asyncio.get_running_loop().add_reader(self._reading, self._read)
        return writing

    def begin(self) -> None:
        """Start a new invocation's tail."""
        self._invocation = []

    @property
    def tail(self) -> bytes:
        """The last 4 KB of the invocation's log."""
        return b"\n".join(self._invocation)[-TAIL_LIMIT:]

    def emit(self, *lines: str) -> asyncio.Future[None]:
        """Append lines of the platform's own, after all that the process wrote before."""
        self._drain()
        if self._partial:
            lines = (self._partial.decode(errors="replace"), *lines)
            self._partial = b""
        return self._write([line.encode() for line in lines])

    def close(self) -> None:
        """Read what is left and let go of the pipe."""
        if self._reading is not None:
            self._drain()
            self.emit()
            self._release()

    def _read(self) -> None:
        try:
            data = os.read(self._reading, READ_SIZE)  # type: ignore[arg-type]
        except BlockingIOError:
            return
        if not data:
            self._release()
            return
        *lines, self._partial = (self._partial + data).split(b"\n")
        if lines:
            self._write(lines)

    def _drain(self) -> None:
        collected = b""
        with contextlib.suppress(BlockingIOError):
            while self._reading is not None and (data := os.read(self._reading, READ_SIZE)):
                collected += data
        *lines, self._partial = (self._partial + collected).split(b"\n")
        if lines:
            self._write(lines)

    def _write(self, lines: list[bytes]) -> asyncio.Future[None]:
        now = int(time.time() * 1000)
        self._invocation += lines
        events = [{"timestamp": now, "message": line.decode(errors="replace")} for line in lines if line.strip()]
        return self._writer.write(self._spec, self.name, events)

    def _release(self) -> None:
        if self._reading is not None:
            asyncio.get_running_loop().remove_reader(self._reading)
            os.close(self._reading)
            self._reading = None
