"""Child processes in which a user's code runs: no credentials, a session of their own, a time limit, a clean end.

What a child gets: an environment of a few named variables (no AWS_* at all), a scratch folder, the files it is told
of. What it gives back: one JSON file, which is validated here. Its parent makes itself unreadable through /proc, or the
child could read there what its own environment lacks.

It is a fence against accidents and credential theft by a model's code, not a sandbox: the child can use the network
and whatever files its user can.
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
"""Variables that a Python process may need to start at all; each is harmless."""
PR_SET_DUMPABLE = 4
STDERR_TAIL_BYTES = 8 << 10
TOLD_LINES = 6
KILL_SECONDS = 5.0
"""The time that a killed process may take to be gone; a disk that hangs can hold one up for longer."""
_RUN_IT = "run the architecture's code once by hand and correct what ends it"


def run_child(module: str, job: BaseModel, answer: type[Result], *, scratch: Path, cwd: Path, seconds: float) -> Result:
    """Run `python -m module scratch` and return the validated message that it leaves in the scratch folder.

    Raises the error that the child names; TraceFailed when it is out of time, dies or answers nonsense; ModelTooLarge
    when the kernel killed it. Nothing of its session is left when this returns.
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
            f"The process that loads and traces the model {_ending(status)} before it was done: run the architecture's "
            f"code once with the manifest's inputs and correct what ends it. {last_lines(tail)}"
        )
    return _read_result(scratch / RESULT_FILE, answer, tail)


def child_environment(scratch: Path) -> dict[str, str]:
    """Return all that a child's environment holds."""
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        # As absolute paths: the child's working directory is another one.
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
        # Whatever loads weights in there, torch.export and the user's code included, loads weights only.
        "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1",
    }


def hide_from_children() -> None:
    """Make this process's environment and memory unreadable to its children, which run as the same user.

    For good: a process that a child left behind somewhere must not come back to it later. A no-op but on Linux.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def open_regular(path: Path, *, what: str) -> int:
    """Return a read-only descriptor of a plain file that a child has written. Raises TraceFailed for anything else.

    A link, for example to the parent's own files, is not followed.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise TraceFailed(f"The model's code ended without {what} ({error.strerror}): {_RUN_IT}.") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise TraceFailed(f"The model's code replaced {what} by something that is no file: {_RUN_IT}.")
    return descriptor


def run_to_its_end(
    command: Sequence[str], environment: dict[str, str], cwd: Path, seconds: float
) -> tuple[int | None, str]:
    """Run a command in a session of its own; return its exit status (None: out of time) and the end of what it wrote.

    Nothing of its session is left when this returns.
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
    # The pipe closes with the last process of the session; one that left it must not hold us up.
    reader.join(timeout=5)
    return status, bytes(tail).decode("utf-8", "replace")


def last_lines(tail: str) -> str:
    """Return the last lines of a child's output as part of a message."""
    plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", tail)  # colours and the like
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
    """Kill every process of the session that the child leads, whatever process group it has moved to, and wait for it.

    Looked for again until there is none: one may start another while it is killed, and a killed one lives on until the
    kernel gets to it.
    """
    give_up = time.monotonic() + KILL_SECONDS
    while (living := _living_of_session(leader)) and time.monotonic() < give_up:
        for pid in living:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _living_of_session(leader: int) -> list[int]:
    living = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # pid (name) state ppid pgrp session …; the name may hold blanks and brackets
            state, _parent, _group, session = entry.read_text().rpartition(")")[2].split()[:4]
            if int(session) == leader and state not in "ZX":
                living.append(int(entry.parent.name))
    return living


def _read_result(path: Path, answer: type[Result], tail: str) -> Result:
    with os.fdopen(open_regular(path, what=f"its result. {last_lines(tail)}"), "rb") as file:
        data = file.read(MAX_RESULT_BYTES + 1)
    try:
        if len(data) > MAX_RESULT_BYTES:
            raise TraceFailed(f"The model's code left a result of more than {MAX_RESULT_BYTES:,} bytes: {_RUN_IT}.")
        if data.startswith(b'{"status":"refused"'):
            raise _as_error(Refusal.model_validate_json(data))
        return answer.model_validate_json(data)
    except ValidationError as error:
        raise TraceFailed(
            f"The model's code left a result that is not understood: {_RUN_IT}. {last_lines(tail)}"
        ) from error


def _as_error(refusal: Refusal) -> PublishError:
    kind: type[PublishError] = getattr(errors, refusal.error)  # one of the names that Refusal allows
    return kind(refusal.message)


def _ending(status: int) -> str:
    if status > 0:
        return f"exited with status {status}"
    try:
        return f"died of {signal.Signals(-status).name}"
    except ValueError:
        return f"died of signal {-status}"
