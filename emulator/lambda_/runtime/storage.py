"""The size of /tmp enforced: each environment's scratch folder is measured, and an environment that fills it is ended.

On AWS writing fails with "No space left on device" at the limit. Without a file system of its own for each
environment the emulator cannot make a write fail; it notices soon after, and ends the environment.
"""

import asyncio
import contextlib
import os
import time
from pathlib import Path

from emulator.lambda_.runtime.processes import FunctionProcess, kill_session
from emulator.lambda_.runtime.watch import Watch

MEGABYTE = 1024 * 1024
BLOCK = 4096  # bytes by which a file system hands out room
QUICK = 0.005  # seconds that a look may take while a caller waits for it
SHARE = 20  # a look at many files is not repeated before this many times its duration


class ScratchMeter:
    """What lies in one environment's scratch folder. `exceeded` tells that it was ended for it.

    `inherited` are the bytes that came with the snapshot: they take room in the restored /tmp as well.
    """

    def __init__(self, process: FunctionProcess, scratch: Path, limit_mb: int, *, inherited: int = 0) -> None:
        self._process = process
        self._scratch = scratch
        self._limit_mb = limit_mb
        self._inherited = inherited
        self._took = 0.0
        self._looked = 0.0
        self.used = inherited
        self.exceeded = False

    @property
    def reason(self) -> str:
        """What to tell about an environment that was ended."""
        return (
            f"More than the {self._limit_mb} MB of the function's EphemeralStorage were written to /tmp. On AWS the "
            "write fails with: No space left on device"
        )

    @property
    def due(self) -> bool:
        """Whether enough time has passed since the last look."""
        return time.monotonic() - self._looked > SHARE * self._took

    @property
    def quick(self) -> bool:
        """Whether looking takes no time to speak of."""
        return self._took < QUICK

    def look(self) -> None:
        """Measure; more than the limit ends the environment."""
        begun = time.monotonic()
        self.used = self._inherited + folder_size(self._scratch)
        self._looked = time.monotonic()
        self._took = self._looked - begun
        if self.used > self._limit_mb * MEGABYTE and not self.exceeded:
            self.exceeded = True
            kill_session(self._process.pid, str(self._scratch))


class StorageWatch(Watch[ScratchMeter]):
    """Looks at all metered scratch folders while there are any."""

    async def _look(self, meters: tuple[ScratchMeter, ...]) -> None:
        for meter in meters:
            if meter.due:
                await asyncio.to_thread(meter.look)


def folder_size(folder: Path) -> int:
    """Return the bytes that a folder's files take, in whole blocks; links are not followed."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # gone again
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        total += BLOCK
                    elif entry.is_file(follow_symlinks=False):
                        total += -(-entry.stat(follow_symlinks=False).st_size // BLOCK) * BLOCK
    return total
