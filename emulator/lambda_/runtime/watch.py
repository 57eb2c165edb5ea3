"""Measuring what environments use again and again, for the limits of memory and storage."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

Meter = TypeVar("Meter")


class LimitWatch(ABC, Generic[Meter]):
    """Measures all meters, with a pause between two rounds, while there are any. Used from the event loop only."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll = poll_seconds
        self._meters: set[Meter] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, meter: Meter) -> None:
        """Measure this meter from now on."""
        self._meters.add(meter)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    def remove(self, meter: Meter) -> None:
        """Stop measuring this meter."""
        self._meters.discard(meter)

    async def close(self) -> None:
        """Stop measuring."""
        self._meters.clear()
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while self._meters:
            await self._measure(tuple(self._meters))
            await asyncio.sleep(self._poll)

    @abstractmethod
    async def _measure(self, meters: tuple[Meter, ...]) -> None:
        """Measure each of these once."""
