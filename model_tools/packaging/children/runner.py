"""Runs child processes for a user's code: no credentials, a session of their own, a time limit, a clean end.

A child gets an environment of a few named variables (no AWS_* at all), a scratch folder, and the paths in its job. It
gives back one JSON file, which is validated here. The parent makes itself unreadable through /proc, since a child could
otherwise read the parent's environment there.

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
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from model_tools import errors
from model_tools.errors import ModelTooLarge, PublishError, TraceFailed
from model_tools.packaging.children.messages import JOB_FILE, MAX_RESULT_BYTES, RESULT_FILE, Refusal

Result = TypeVar("Result", bound=BaseModel)

PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ", "SYSTEMROOT")
"""Environment variables that a Python process may need to start at all; none of them is secret."""
PR_SET_DUMPABLE = 4
"""The number of this option of prctl(2), from <linux/prctl.h>."""
STDERR_TAIL_BYTES = 8 << 10
"""The last bytes of a child's output that are kept for messages."""
TOLD_LINES = 6
"""The number of a child's last lines in a message."""
KILL_SECONDS = 5.0
"""The time to wait for killed processes to end; one that waits for a hanging disk can take longer."""
_REMEDY = "run the architecture's code once by hand and correct what ends it"


def run_child(module: str, job: BaseModel, answer: type[Result], *, scratch: Path, cwd: Path, seconds: float) -> Result:
    """Run `python -m module scratch` and return the validated message that the child leaves in the scratch folder.

    No process of the child's session is left at the end. Raises the error that the child names; TraceFailed for a child
    that runs out of time, dies, or leaves a message that is not valid; ModelTooLarge for one that the kernel killed.
    """
    (scratch / RESULT_FILE).unlink(missing_ok=True)
    (scratch / JOB_FILE).write_text(job.model_dump_json(), encoding="utf-8")
    hide_from_children()
    status, tail = run_to_its_end(
        [sys.executable, "-s", "-P", "-m", module, str(scratch)], child_environment(scratch), cwd, seconds
    )
    if status is None:
        raise TraceFailed(
            f"The model was not ready within {seconds:g} s: make its code load and answer faster, or its example "
            f"inputs smaller. {last_lines(tail)}"
        )
    if status == -signal.SIGKILL:
        raise ModelTooLarge(
            "The process that loads and traces the model was killed, as the kernel does when memory runs out: give the "
            f"tracing function more memory, or publish a smaller model. {last_lines(tail)}"
        )
    if status != 0:
        raise TraceFailed(
            f"The process that loads and traces the model {_describe_exit(status)} before it was done: run the "
            f"architecture's code once with the manifest's inputs and correct what ends it. {last_lines(tail)}"
        )
    return _read_result(scratch / RESULT_FILE, answer, tail)


def child_environment(scratch: Path) -> dict[str, str]:
    """Return a child's whole environment."""
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        # The paths are made absolute, since the child's working directory is another one.
        "PYTHONPATH": os.pathsep.join(
            str(Path(entry).resolve()) for entry in sys.path if entry and Path(entry).exists()
        ),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
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
        raise TraceFailed(f"The model's code ended without {what} ({error.strerror}): {_REMEDY}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise TraceFailed(f"The model's code replaced {what} by something that is no file: {_REMEDY}.")
    return descriptor


def run_to_its_end(
    command: Sequence[str], environment: dict[str, str], cwd: Path, seconds: float
) -> tuple[int | None, str]:
    """Run a command in a session of its own; return its exit status, None when out of time, and its last output.

    No process of the session is left at the end.
    """
    process = subprocess.Popen(
        command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, close_fds=True,
    )  # fmt: skip
    tail = bytearray()
    reader = threading.Thread(target=_keep_tail, args=(process, tail), daemon=True)
    reader.start()
    try:
        status: int | None = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        _end_session(process.pid)
        process.wait()
    # The pipe closes with the last process of the session; a process that left the session must not hold us up.
    reader.join(timeout=5)
    return status, bytes(tail).decode("utf-8", "replace")


def last_lines(tail: str) -> str:
    """Return the last lines of a child's output as a sentence for a message."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", tail)  # escape sequences of the terminal, such as colours
    printable = re.sub(r"[^\S\n]+|[^\x20-\x7e\u00a0-\uffff\n]", " ", plain)
    lines = [line.strip() for line in printable.splitlines() if line.strip()]
    return f"It last wrote: {' | '.join(lines[-TOLD_LINES:])[-1000:]}" if lines else "It wrote nothing."


def _keep_tail(process: subprocess.Popen[bytes], tail: bytearray) -> None:
    if process.stdout is None:
        return
    with process.stdout as stream:
        while chunk := os.read(stream.fileno(), 1 << 16):
            tail += chunk
            del tail[:-STDERR_TAIL_BYTES]


def _end_session(leader: int) -> None:
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


def _read_result(path: Path, answer: type[Result], tail: str) -> Result:
    with os.fdopen(open_regular(path, what=f"its result. {last_lines(tail)}"), "rb") as file:
        data = file.read(MAX_RESULT_BYTES + 1)
    try:
        if len(data) > MAX_RESULT_BYTES:
            raise TraceFailed(f"The model's code left a result of more than {MAX_RESULT_BYTES:,} bytes: {_REMEDY}.")
        if data.startswith(b'{"status":"refused"'):
            raise _as_error(Refusal.model_validate_json(data))
        return answer.model_validate_json(data)
    except ValidationError as error:
        raise TraceFailed(
            f"The model's code left a result that is not understood: {_REMEDY}. {last_lines(tail)}"
        ) from error


def _as_error(refusal: Refusal) -> PublishError:
    kind: type[PublishError] = getattr(errors, refusal.error)  # Refusal allows only names of errors
    return kind(refusal.message)


def _describe_exit(status: int) -> str:
    if status > 0:
        return f"exited with status {status}"
    try:
        return f"died of {signal.Signals(-status).name}"
    except ValueError:
        return f"died of signal {-status}"
