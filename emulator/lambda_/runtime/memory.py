"""The limit of memory: the session of an environment is killed when it uses more than the function's memory size."""

import asyncio
from collections.abc import Collection

from emulator.lambda_.runtime.processes import (
    FunctionProcess,
    kill_session,
    memory_by_session,
    memory_in_files,
    peak_memory,
)
from emulator.lambda_.runtime.watch import LimitWatch


class MemoryMeter:
    """The memory that one environment uses. `exceeded` is True when it was killed for it."""

    def __init__(self, process: FunctionProcess, limit_bytes: int, scratch: str) -> None:
        self._process = process
        self._limit = limit_bytes
        self._scratch = scratch
        self.peak = 0
        self.exceeded = False

    def record(self, resident: int) -> None:
        """Take a sample of resident bytes. A sample above the limit kills the session."""
        self.peak = max(self.peak, resident)
        if self.peak > self._limit and not self.exceeded:
            self.exceeded = True
            self.peak = min(self.peak, self._limit)
            kill_session(self._process.pid, self._scratch)

    def record_peak(self) -> None:
        """Take the high-water mark of the session's leader as a sample, for the peaks between two samples."""
        self.record(peak_memory(self._process.pid) + memory_in_files(self._process.pid))

    @property
    def session(self) -> int:
        """The id of the session that is measured."""
        return self._process.pid


class MemoryWatch(LimitWatch[MemoryMeter]):
    """Samples the memory of all environments that run an invocation or their init."""

    async def _measure(self, meters: tuple[MemoryMeter, ...]) -> None:
        sampled = await asyncio.to_thread(_sample, {meter.session for meter in meters})
        for meter in meters:
            meter.record(sampled.get(meter.session, 0))


def _sample(sessions: Collection[int]) -> dict[int, int]:
    resident = memory_by_session()
    return {session: resident.get(session, 0) + memory_in_files(session) for session in sessions}
