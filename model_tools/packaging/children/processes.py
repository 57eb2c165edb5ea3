"""Runs processes for a user's code: no credentials, a session of their own, a time limit, a clean end.

A child gets an environment of a few named variables (no AWS_* at all) and the files that it is told of. Its parent
makes itself unreadable through /proc, since a child could otherwise read the parent's environment there.

This is a fence against accidents and against theft of credentials by a model's code. It is no sandbox: a child can use
the network, and every file that its user can.
"""

import ctypes
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from model_tools.errors import TraceFailed
from model_tools.packaging.children.faults import plain_text

PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ", "SYSTEMROOT")
"""Environment variables that a Python process may need to start at all; none of them is secret."""
PR_SET_DUMPABLE = 4
"""The number of this option of prctl(2), from <linux/prctl.h>."""
STDERR_TAIL_BYTES = 8 << 10
"""The last bytes of a child's output that are kept for messages."""
TOLD_LINES = 6
"""The number of a child's last lines in a message."""
READ_SECONDS = 5.0
"""The time that the last output of a child may take to arrive."""
KILL_SECONDS = 5.0
"""The time to wait for killed processes to end; one that waits for a hanging disk can take longer."""
TOLD_CHARACTERS = 300
"""The number of characters of each of these lines."""
_FRAME = re.compile(r'^\s*(?:File "(?P<file>[^"]+)", line \d+|(?P<traced>\S+)\(\d+\): \S+$)')
"""A frame of a stack, as Python and as torch write it."""
_STACK_MARKS = re.compile(
    r"^\s*(?:[\^~]+\s*$|Traceback \(most recent call last\)|frame #\d+|\w+: (?:fallthrough )?registered at )"
)
_LIBRARIES = ("<frozen ", sys.prefix, sys.base_prefix, str(Path(__file__).parents[2]))
"""The beginnings of the names of files that are not the user's."""
RUN_IT = "run the architecture's code once by hand and correct what ends it"
"""The remedy for code that ends its process."""


def child_environment(scratch: Path, hash_seed: int = 0) -> dict[str, str]:
    """Return a child's whole environment; `hash_seed` decides the hashes of texts in Python, and the order of sets."""
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        # The paths are made absolute, since the child's working directory is another one.
        "PYTHONPATH": os.pathsep.join(
            str(Path(entry).resolve()) for entry in sys.path if entry and Path(entry).exists()
        ),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONHASHSEED": str(hash_seed),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",  # a thread at the import of NumPy would be lost in a fork
        # Every torch.load in the child, also by torch.export and the user's code, unpickles weights only.
        "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
    }


def hide_from_children() -> None:
    """Make this process's environment and memory unreadable to its children, which run as the same user.

    This is not undone later, because of processes that a child may have left behind. It does nothing except on Linux.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def open_regular(path: Path, *, what: str) -> int:
    """Return a read-only descriptor of a plain file that a child has written; messages call the file `what`.

    Raises TraceFailed for a missing file and for a link, which is not followed: it could lead to the parent's files.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise TraceFailed(f"The model's code ended without {what} ({error.strerror}): {RUN_IT}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise TraceFailed(f"The model's code replaced {what} by something that is no file: {RUN_IT}.")
    return descriptor


def run_to_its_end(
    command: Sequence[str], environment: dict[str, str], cwd: Path, seconds: float
) -> tuple[int | None, str]:
    """Run a command in a session of its own; return its exit status, None when out of time, and its last output.

    No process of the session is left at the end.
    """
    reading, writing = os.pipe()
    process = subprocess.Popen(
        command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.STDOUT,
        start_new_session=True, close_fds=True,
    )  # fmt: skip
    os.close(writing)
    tail = Tail(reading)
    try:
        status: int | None = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        end_session(process.pid)
        process.wait()
    return status, tail.text()


class Tail:
    """The end of what is written into a pipe, read by a thread so that nobody who writes has to wait."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._bytes = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self) -> str:
        """Return the last kilobytes that were written; the pipe should be closed by then."""
        # It closes with the last process of a session; a process that has left the session must not hold us up.
        self._reader.join(timeout=READ_SECONDS)
        return bytes(self._bytes).decode("utf-8", "replace")

    def _read(self) -> None:
        with os.fdopen(self._descriptor, "rb", buffering=0) as stream:
            while chunk := stream.read(1 << 16):
                self._bytes += chunk
                del self._bytes[:-STDERR_TAIL_BYTES]


def last_lines(tail: str) -> str:
    """Return the last lines of a child's output as a sentence for a message, without frames of libraries."""
    lines = [told for line in _without_library_frames(tail.splitlines()) if (told := plain_text(line, TOLD_CHARACTERS))]
    return f"It last wrote: {' | '.join(lines[-TOLD_LINES:])[-1000:]}" if lines else "It wrote nothing."


def _without_library_frames(lines: Sequence[str]) -> list[str]:
    """Leave out the frames of a stack, with the lines of code below them, that are in no user's file."""
    kept: list[str] = []
    below_frame = False
    for line in lines:
        frame = _FRAME.match(line)
        if frame and (frame["file"] or frame["traced"]).startswith(_LIBRARIES):
            below_frame = True
        elif not (below_frame and line.startswith("    ")) and not _STACK_MARKS.match(line):
            below_frame = False
            kept.append(line)
    return kept


def end_session(leader: int) -> None:
    """Kill every process of the session that the child leads, in whatever process group, and wait until all are gone.

    The search is repeated until it finds none: a process may start another one while it is being killed, and a killed
    process lives on until the kernel ends it.
    """
    give_up = time.monotonic() + KILL_SECONDS
    while (living := _session_members(leader)) and time.monotonic() < give_up:
        for pid in living:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _session_members(leader: int) -> list[int]:
    living = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # The line reads: pid (name) state ppid pgrp session …; the name may hold blanks and brackets.
            state, _parent, _group, session = entry.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in "ZX":
                living.append(int(entry.parent.name))
    return living
