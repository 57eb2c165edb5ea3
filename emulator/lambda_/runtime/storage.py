"""The limit of /tmp: an environment is ended when its scratch folder holds more than the function's EphemeralStorage.

On AWS a write beyond the limit fails with "No space left on device". The environments here have no file system of
their own, so the emulator cannot make a write fail. It notices soon after, and ends the environment.
"""

import asyncio
import contextlib
import os
import time
from pathlib import Path

from emulator.lambda_.runtime.processes import FunctionProcess, kill_session
from emulator.lambda_.runtime.watch import LimitWatch

MEGABYTE = 1024 * 1024

BLOCK_BYTES = 4096
"""The unit in which a file system allocates storage."""

QUICK_SCAN_SECONDS = 0.005
"""The time that a scan may take while a caller waits for it."""

RESCAN_FACTOR = 20
"""The next scan begins after this many times the duration of the last one."""


class StorageMeter:
    """The size of one environment's scratch folder. `exceeded` is True when the environment was ended for it.

    `inherited` is the size of the snapshot's scratch folder in bytes: its files are in the restored /tmp as well.
    """

    def __init__(self, process: FunctionProcess, scratch: Path, limit_mb: int, *, inherited: int = 0) -> None:
        self._process = process
        self._scratch = scratch
        self._limit_mb = limit_mb
        self._inherited = inherited
        self._scan_seconds = 0.0
        self._scanned_at = 0.0
        self.used = inherited
        self.exceeded = False

    @property
    def reason(self) -> str:
        """The error message for an environment that was ended."""
        return (
            f"More than the {self._limit_mb} MB of the function's EphemeralStorage were written to /tmp. On AWS the "
            "write fails with: No space left on device"
        )

    @property
    def is_due(self) -> bool:
        """True when it is time for the next scan."""
        return time.monotonic() - self._scanned_at > RESCAN_FACTOR * self._scan_seconds

    @property
    def is_quick(self) -> bool:
        """True when the last scan was short enough to make a caller wait for the next one."""
        return self._scan_seconds < QUICK_SCAN_SECONDS

    def scan(self) -> None:
        """Scan the folder. An environment that holds more than the limit is ended."""
        begun = time.monotonic()
        self.used = self._inherited + folder_size(self._scratch)
        self._scanned_at = time.monotonic()
        self._scan_seconds = self._scanned_at - begun
        if self.used > self._limit_mb * MEGABYTE and not self.exceeded:
            self.exceeded = True
            kill_session(self._process.pid, str(self._scratch))


class StorageWatch(LimitWatch[StorageMeter]):
    """Scans the folders of all environments that run an invocation or their init."""

    async def _measure(self, meters: tuple[StorageMeter, ...]) -> None:
        for meter in meters:
            if meter.is_due:
                await asyncio.to_thread(meter.scan)


def folder_size(folder: Path) -> int:
    """Return the bytes that the files in a folder occupy, in whole blocks. Links are not followed."""
    total, waiting = 0, [str(folder)]
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # the file was removed meanwhile
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                        total += BLOCK_BYTES
                    elif entry.is_file(follow_symlinks=False):
                        total += -(-entry.stat(follow_symlinks=False).st_size // BLOCK_BYTES) * BLOCK_BYTES
    return total
