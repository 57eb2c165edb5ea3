"""What a child was doing when it ended without an answer: its last step, and the place in the user's code.

A process that crashes, is killed or runs out of time cannot say anything any more. So the child keeps a note of each
step that it begins, Python's fault handler writes the stack when the process crashes or is asked for it, and `os._exit`
leaves a refusal before it ends the process.
"""

import faulthandler
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from model_tools.packaging.children.faults import plain_text
from model_tools.packaging.children.messages import MAX_MESSAGE, RESULT_FILE, Refusal
from model_tools.packaging.children.places import is_user_code, place_text

STACK_FILE = "last_stack.txt"
"""The file into which the fault handler writes the stacks of a child's threads."""
STEP_FILE = "last_step.txt"
"""The file with the step that a child has begun."""
STACK_SIGNAL = signal.SIGUSR1
"""The signal that asks a child for its stacks."""
STACK_SECONDS = 0.5
"""The time to wait for a child's stacks; writing them takes some milliseconds."""
MAX_READ_BYTES = 1 << 16
"""The number of bytes that are read of each file."""
_FRAME = re.compile(r'^ *File "(?P<file>.+)", line (?P<line>\d+) in ', re.MULTILINE)


class _Child:
    """The state of this process when it is a child."""

    scratch: Path | None = None


def record_endings(scratch: Path, folder: Path) -> None:
    """Make this child, whose user's code is in `folder`, leave its last step and place in the scratch folder."""
    _Child.scratch = scratch
    stack = os.open(scratch / STACK_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    faulthandler.enable(file=stack, all_threads=True)
    faulthandler.register(STACK_SIGNAL, file=stack, all_threads=True)
    _explain_exit(scratch, folder)


def note_step(doing: str) -> None:
    """Note the step that this child begins. It does nothing in a process that is no child."""
    if _Child.scratch is not None:
        with suppress(OSError):
            (_Child.scratch / STEP_FILE).write_text(doing, encoding="utf-8", errors="replace")


def forget_endings(scratch: Path) -> None:
    """Remove what an earlier child has left in the scratch folder."""
    for name in (STACK_FILE, STEP_FILE):
        with suppress(OSError):  # a child may have made a folder in its place, of which nothing is read later
            (scratch / name).unlink(missing_ok=True)


def last_step(scratch: Path, folder: Path) -> str:
    """Return "its last step was: Importing net (net.py, line 3)" of a child that has ended, or an empty string.

    The line's text is not read, since the user's code may have put a link in the place of its file.
    """
    step = plain_text(_read(scratch / STEP_FILE), 200)
    if not step:
        return ""
    return f"its last step was: {step}{_last_place(_read(scratch / STACK_FILE), folder)}"


def _last_place(stacks: str, folder: Path) -> str:
    for frame in _FRAME.finditer(stacks):
        if is_user_code(frame["file"], folder):
            return f" ({plain_text(Path(frame['file']).relative_to(folder).as_posix(), 200)}, line {frame['line']})"
    return ""


def _read(path: Path) -> str:
    """Return the beginning of a plain file that a child has written; a link is not followed."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            return os.read(descriptor, MAX_READ_BYTES).decode("utf-8", "replace")
        finally:
            os.close(descriptor)
    except OSError:
        return ""


def _explain_exit(scratch: Path, folder: Path) -> None:
    leave, child = os._exit, os.getpid()

    def explained_exit(status: int) -> NoReturn:
        # A process that the user's code has forked may end as it likes.
        if os.getpid() == child and not os.path.lexists(scratch / RESULT_FILE):
            place = _calling_place(folder)
            step = _read(scratch / STEP_FILE) or "Loading the model"
            refusal = Refusal(
                error="TraceFailed",
                message=f"{step} fails: the code ends its process with os._exit{place}. Remove that, and raise an "
                "exception where the model cannot go on."[:MAX_MESSAGE],
            )
            (scratch / RESULT_FILE).write_text(refusal.model_dump_json(), encoding="utf-8")
            leave(0)
        leave(status)

    os._exit = explained_exit


def _calling_place(folder: Path) -> str:
    frame = sys._getframe(2)  # noqa: SLF001 (inspect.stack() would read every source file)
    while frame is not None:
        if is_user_code(frame.f_code.co_filename, folder):
            return place_text(frame.f_code.co_filename, frame.f_lineno, folder)
        frame = frame.f_back  # type: ignore[assignment]
    return ""
