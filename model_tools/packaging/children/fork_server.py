"""A process that imports modules once, and is forked for each job: `python -m … DESCRIPTOR MODULE …`.

It holds no credentials and runs no code of users itself, so each of its forks begins as clean as the one before; what a
fork does, it does in a process and a session of its own. Jobs come one at a time over the socket of the descriptor.
"""

import ctypes
import gc
import importlib
import json
import os
import random
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from model_tools.packaging.children.processes import hide_from_children

MAX_MESSAGE_BYTES = 1 << 16
PR_SET_PDEATHSIG, PR_SET_DUMPABLE = 1, 4
SEED_LIMIT = 1 << 32
HIGHEST_DESCRIPTOR = 1024
"""A fork keeps no descriptor of the server below this one: neither its socket nor what imports have opened."""

Main = Callable[[Path], NoReturn]
"""Does the job in a scratch folder and ends the process."""


def serve(control: socket.socket, modules: list[str]) -> None:
    """Import the modules, then fork for each job until the socket is closed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    hide_from_children()
    mains: dict[str, Main] = {name: importlib.import_module(name).main for name in modules}
    gc.collect()
    gc.freeze()  # a collection in a fork would copy the memory of what was imported
    _require_one_thread()
    _do_jobs(control, mains)


def _do_jobs(control: socket.socket, mains: dict[str, Main]) -> None:
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE_BYTES, 2)
        if not message:
            return
        job = json.loads(message)
        if "module" not in job:
            _fork_server(control, mains, *descriptors)
            continue
        (output,) = descriptors
        pid = os.fork()
        if pid == 0:
            control.close()
            _run(mains[job["module"]], job, output)
        os.close(output)
        _watch(control, pid)


def _fork_server(control: socket.socket, mains: dict[str, Main], output: int, theirs: int) -> None:
    """Fork another server, which has imported the same and takes jobs from a socket of its own; tell its id."""
    pid = os.fork()
    if pid == 0:
        control.close()
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        try:
            with socket.socket(fileno=theirs) as own:
                _do_jobs(own, mains)
        finally:
            os._exit(0)
    os.close(output)
    os.close(theirs)
    control.send(json.dumps({"pid": pid}).encode())


def _watch(control: socket.socket, pid: int) -> None:
    """Tell the fork's id, then its end, then its status; it is a zombie until whoever asked has ended its session."""
    control.send(json.dumps({"pid": pid}).encode())
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    control.send(json.dumps({"ended": True}).encode())
    control.recv(MAX_MESSAGE_BYTES)
    _, status = os.waitpid(pid, 0)
    control.send(json.dumps({"status": os.waitstatus_to_exitcode(status)}).encode())


def _run(main: Main, job: dict[str, Any], output: int) -> NoReturn:
    """Do a job in the fork, as a process that was started for it would."""
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.closerange(3, HIGHEST_DESCRIPTOR)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # its own files in /proc are its own again
        os.environ |= {"HOME": job["scratch"], "TMPDIR": job["scratch"]}
        tempfile.tempdir = None
        sys.argv = [""]  # the server's own arguments are no command line of the user's code
        os.chdir(job["cwd"])
        random.seed()
        if numpy_random := sys.modules.get("numpy.random"):
            numpy_random.seed(random.randrange(SEED_LIMIT))  # noqa: S311 (no secret)
        main(Path(job["scratch"]))
    except BaseException:  # noqa: BLE001 (its words are all that is left of it)
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(1)


def _require_one_thread() -> None:
    """Raise RuntimeError if an import has started a thread: it would be missing in every fork."""
    threads = Path("/proc/self/task")
    if threads.exists() and len(list(threads.iterdir())) != 1:
        raise RuntimeError(f"importing has started threads: {[path.name for path in threads.iterdir()]}")


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as control_socket:
        serve(control_socket, sys.argv[2:])
