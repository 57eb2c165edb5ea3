"""Function logs, from a process's stdout and stderr to a stream in CloudWatch Logs, line by line."""

import asyncio
import contextlib
import os
import time
import uuid
from datetime import UTC, datetime

from emulator.cloudwatch.log_writer import LogEvent, LogGroup, LogWriter
from emulator.lambda_.spec import FunctionSpec

TAIL_LIMIT = 4096
"""Bytes that a caller with LogType Tail gets."""

READ_SIZE = 65_536
"""Bytes that are read from a pipe at a time."""


class LogStream:
    """The log of one environment. `tail` has the lines since `begin`."""

    def __init__(self, writer: LogWriter, spec: FunctionSpec) -> None:
        day = datetime.now(UTC).strftime("%Y/%m/%d")
        self.name = f"{day}/[{spec.version}]{uuid.uuid4().hex}"
        self._writer = writer
        self._group = LogGroup(spec.account_id, spec.region, spec.log_group)
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
        """Append lines of the platform after everything that the process has written."""
        self._drain()
        if self._partial:
            lines = (self._partial.decode(errors="replace"), *lines)
            self._partial = b""
        return self._write([line.encode() for line in lines])

    def close(self) -> None:
        """Read the rest of the pipe and close it."""
        if self._reading is not None:
            self._drain()
            self.emit()
            self._release()

    def _read(self) -> None:
        if self._reading is None:
            return
        try:
            data = os.read(self._reading, READ_SIZE)
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
        events = [LogEvent(now, line.decode(errors="replace")) for line in lines if line.strip()]
        return self._writer.write(self._group, self.name, events)

    def _release(self) -> None:
        if self._reading is not None:
            asyncio.get_running_loop().remove_reader(self._reading)
            os.close(self._reading)
            self._reading = None
