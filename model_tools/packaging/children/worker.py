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
from model_tools.packaging.children.messages import JOB_FILE, RESULT_FILE, ChildError, Refusal

Job = TypeVar("Job", bound=BaseModel)

MAX_MESSAGE = 3900
"""Characters of a refusal's message, which the parent accepts up to 4,000."""
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
"""The numbers of these options of prctl(2), from <linux/prctl.h>."""
CAP_DAC_OVERRIDE = 1
"""The one capability that a root user keeps, to read a model's folder that belongs to another user."""
MAX_CAPABILITIES = 64
"""The kernel's sets of capabilities have 64 bits; asking for one that does not exist does no harm."""
CAPABILITY_VERSION_3 = 0x20080522
"""The version of the header that capset(2) takes for sets of 64 bits, from <linux/capability.h>."""


def answer_job(kind: type[Job], work: Callable[[Job, Path], BaseModel], scratch: Path) -> NoReturn:
    """Do the job that stands in a scratch folder, write its result there, and end the process."""
    confine()
    job = kind.model_validate_json((scratch / JOB_FILE).read_bytes())
    try:
        result = work(job, scratch)
    except PublishError as error:
        name = type(error).__name__
        result = Refusal(
            error=name if name in get_args(ChildError) else "TraceFailed", message=str(error)[:MAX_MESSAGE]
        )
    except MemoryError:
        result = Refusal(
            error="ModelTooLarge",
            message="Memory ran out while the model was loaded and traced: give the tracing function more, or publish "
            "a smaller model.",
        )
    (scratch / RESULT_FILE).write_text(result.model_dump_json(), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads and exit handlers of the user's code must not run any more


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
