"""The frame of a child process: give up privileges, do the job, leave one result file, and exit."""

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar, get_args

from pydantic import BaseModel

from model_tools.errors import PublishError
from model_tools.packaging.children.endings import record_endings
from model_tools.packaging.children.faults import fault_text, is_out_of_memory, memory_text
from model_tools.packaging.children.messages import JOB_FILE, MAX_MESSAGE, RESULT_FILE, ChildError, Refusal
from model_tools.packaging.children.places import error_place_text

Job = TypeVar("Job", bound=BaseModel)

PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
"""The numbers of these options of prctl(2), from <linux/prctl.h>."""
CAP_DAC_OVERRIDE = 1
"""The one capability that a root user keeps, to read a model's folder that belongs to another user."""
MAX_CAPABILITIES = 64
"""The kernel's sets of capabilities have 64 bits; asking for one that does not exist does no harm."""
CAPABILITY_VERSION_3 = 0x20080522
"""The version of the header that capset(2) takes for sets of 64 bits, from <linux/capability.h>."""


def answer_job(
    kind: type[Job], work: Callable[[Job, Path], BaseModel], scratch: Path, *, doing: str = "Loading the model"
) -> NoReturn:
    """Do the job that stands in a scratch folder, write its result there, and end the process.

    Whatever the job raises becomes a refusal; `doing` names the job in the message for what nobody has worded.
    """
    confine()
    leave, folder = os._exit, Path.cwd()
    job = kind.model_validate_json((scratch / JOB_FILE).read_bytes())
    record_endings(scratch, folder)
    try:
        answer = work(job, scratch).model_dump_json()
    except BaseException as error:  # noqa: BLE001 (a child that says nothing cannot be explained)
        answer = _refusal(error, folder, doing).model_dump_json()
    (scratch / RESULT_FILE).write_text(answer, encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # the user's code may have closed or replaced it
            stream.flush()
    leave(0)  # threads and exit handlers of the user's code must not run any more


def _refusal(error: BaseException, folder: Path, doing: str) -> Refusal:
    if isinstance(error, PublishError):
        name = type(error).__name__
        # A message may quote the user's code, which may hold what UTF-8 cannot encode.
        message = str(error).encode("utf-8", "replace").decode()[:MAX_MESSAGE]
        return Refusal(error=name if name in get_args(ChildError) else "TraceFailed", message=message)
    if is_out_of_memory(error):
        return Refusal(error="ModelTooLarge", message=memory_text(doing, error_place_text(error, folder)))
    return Refusal(error="TraceFailed", message=fault_text(error, folder, doing)[:MAX_MESSAGE])


def confine() -> None:
    """Die with the parent, be the first to be killed when memory runs out, dump no core, and drop all capabilities.

    Each step is skipped where the system does not allow it. Capabilities are dropped because root has CAP_SYS_PTRACE,
    CAP_PERFMON and CAP_SYS_ADMIN, by which a child could read the parent's environment although it is hidden.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "linux":
        return
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for capability in range(MAX_CAPABILITIES):
        if capability != CAP_DAC_OVERRIDE:
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = ctypes.create_string_buffer(struct.pack("=Ii", CAPABILITY_VERSION_3, 0), 8)
    kept = 1 << CAP_DAC_OVERRIDE
    sets = ctypes.create_string_buffer(24)  # effective, permitted, inheritable: the lower 32 bits, then the upper ones
    if libc.capget(header, sets) == 0:
        effective, permitted, *_ = struct.unpack("=6I", sets.raw)
        libc.capset(header, struct.pack("=6I", effective & kept, permitted & kept, 0, 0, 0, 0))
