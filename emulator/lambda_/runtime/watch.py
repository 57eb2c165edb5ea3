"""Something that is looked at again and again while there is anything to look at."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

Meter = TypeVar("Meter")


class Watch(ABC, Generic[Meter]):
    """Looks at all meters, with a pause between two looks. Used from the service's loop only."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll = poll_seconds
        self._meters: set[Meter] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, meter: Meter) -> None:
        """Look at it from now on."""
        self._meters.add(meter)
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())

    def remove(self, meter: Meter) -> None:
        """Stop looking at it."""
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
            await self._look(tuple(self._meters))
            await asyncio.sleep(self._poll)

    @abstractmethod
    async def _look(self, meters: tuple[Meter, ...]) -> None:
        """Look at these once."""
