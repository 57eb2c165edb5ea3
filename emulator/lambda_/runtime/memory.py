"""Memory size enforced: each environment's whole session is sampled, and killed when it outgrows the function."""

import asyncio
from collections.abc import Collection

from emulator.lambda_.runtime.processes import (
    FunctionProcess,
    kill_session,
    memory_by_session,
    memory_in_files,
    peak_memory,
)
from emulator.lambda_.runtime.watch import Watch


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


class MemoryWatch(Watch[MemoryMeter]):
    """Samples all metered environments while there are any."""

    async def _look(self, meters: tuple[MemoryMeter, ...]) -> None:
        sampled = await asyncio.to_thread(_sample, {meter.session for meter in meters})
        for meter in meters:
            meter.note(sampled.get(meter.session, 0))


def _sample(sessions: Collection[int]) -> dict[int, int]:
    resident = memory_by_session()
    return {session: resident.get(session, 0) + memory_in_files(session) for session in sessions}
