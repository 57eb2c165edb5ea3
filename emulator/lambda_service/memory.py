"""Memory size enforced: each environment's whole session is sampled, and killed when it outgrows the function."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

from emulator.lambda_service.processes import (
    FunctionProcess,
    kill_session,
    memory_by_session,
    memory_in_files,
    peak_memory,
)


class MemoryMeter:
    """What one environment uses. `exceeded` tells that it was killed for it."""

    def __init__(self, process: FunctionProcess, limit_bytes: int, scratch: str) -> None:
        self._process = process
        self._limit = limit_bytes
        self._scratch = scratch
        self.peak = 0
        self.exceeded = False

    def note(self, resident: int) -> None:
        """Take a sample; one above the limit kills the session."""
        self.peak = max(self.peak, resident)
        if self.peak > self._limit and not self.exceeded:
            self.exceeded = True
            self.peak = min(self.peak, self._limit)
            kill_session(self._process.pid, self._scratch)

    def note_peak(self) -> None:
        """Look at the leader's high-water mark, which sees what falls between two samples."""
        self.note(peak_memory(self._process.pid) + memory_in_files(self._process.pid))

    @property
    def session(self) -> int:
        """The session that is metered."""
        return self._process.pid


class MemoryWatch:
    """Samples all metered environments while there are any."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll = poll_seconds
        self._meters: set[MemoryMeter] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, meter: MemoryMeter) -> None:
        """Sample this environment from now on."""
        self._meters.add(meter)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    def remove(self, meter: MemoryMeter) -> None:
        """Stop sampling it."""
        self._meters.discard(meter)

    async def close(self) -> None:
        """Stop."""
        self._meters.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while self._meters:
            sessions = {meter.session for meter in self._meters}
            sampled = await asyncio.to_thread(_sample, sessions)
            for meter in tuple(self._meters):
                meter.note(sampled.get(meter.session, 0))
            await asyncio.sleep(self._poll)


def _sample(sessions: Collection[int]) -> dict[int, int]:
    resident = memory_by_session()
    return {session: resident.get(session, 0) + memory_in_files(session) for session in sessions}
