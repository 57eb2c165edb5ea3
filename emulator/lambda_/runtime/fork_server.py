"""The program of a SnapStart function's process: AWS's runtime interface client with a fork server in `restore_next`.

The template process imports the handler and runs the before-snapshot hooks. Where Lambda would freeze it, it waits for
orders on a control socket. Each order forks one execution environment, which differs from the template as a restored
microVM does (its own API address, log and scratch folder, dead connections), equals it as a restored one does (random
state included), and goes on to the after-restore hooks.

It is started as a script with no part of the emulator importable, and imports nothing but the standard library and
the runtime client.
"""

import contextlib
import json
import os
import random
import selectors
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

CONTROL_VARIABLE = "_EMULATOR_CONTROL_FD"
"""The environment variable with the descriptor of the control socket."""

OPENMP_VARIABLE = "_EMULATOR_OMP_NUM_THREADS"
"""The environment variable with the function's own OMP_NUM_THREADS, for the time after the restore."""

ORDER_LIMIT = 65_536
"""Bytes in one order."""

THREAD_GRACE = 2.0
"""Seconds that threads have to end before the snapshot."""


def main() -> None:
    """Run the handler named by the first argument under the runtime interface client."""
    control = socket.socket(fileno=int(os.environ.pop(CONTROL_VARIABLE)))
    wanted_openmp_threads = os.environ.pop(OPENMP_VARIABLE, None)
    # runtime_client's C++ library reads the API's address when it is loaded, so it must be loaded after the fork
    sys.modules["runtime_client"] = SimpleNamespace(initialize_client=lambda _agent: None)  # type: ignore[assignment] # a namespace does for a module
    from awslambdaric import bootstrap, lambda_runtime_client
    from awslambdaric.lambda_config import LambdaConfigProvider

    class SnapshotClient(lambda_runtime_client.LambdaRuntimeClient):  # type: ignore[misc] # it has no types
        def restore_next(self) -> None:
            order = serve_forks(control)
            become_environment(order, wanted_openmp_threads)
            self.lambda_runtime_address = order["environment"]["AWS_LAMBDA_RUNTIME_API"]
            del sys.modules["runtime_client"]
            import runtime_client

            lambda_runtime_client.runtime_client = runtime_client
            runtime_client.initialize_client(lambda_runtime_client._user_agent())

    config = LambdaConfigProvider(sys.argv)
    bootstrap.run(config.handler, SnapshotClient(config.api_address, config.use_thread_polling))


def serve_forks(control: socket.socket) -> dict[str, Any]:
    """Fork on every order. It returns in each child, with the order, and never in the template."""
    control.send(json.dumps({"ready": living_threads()}).encode())
    children: set[int] = set()
    waker, wakeup = socket.socketpair()
    waker.setblocking(False)  # noqa: FBT003 - the standard library's signature
    wakeup.setblocking(False)  # noqa: FBT003 - as above
    signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    selector.register(waker, selectors.EVENT_READ)
    while True:
        ready = {key.fileobj for key, _ in selector.select()}
        if waker in ready:
            waker.recv(4096)
            report_exits(control, children)
        if control not in ready:
            continue
        message, fds, _, _ = socket.recv_fds(control, ORDER_LIMIT, 1)
        if not message:
            os._exit(0)  # the emulator has no more use for this snapshot
        sys.stdout.flush()
        sys.stderr.flush()
        random_state = random.getstate()
        child = os.fork()
        if child:
            os.close(fds[0])
            children.add(child)
            control.send(json.dumps({"forked": child}).encode())
            continue
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        selector.close()
        for ours in (control, waker, wakeup):
            ours.close()
        random.setstate(random_state)  # Python reseeds after a fork, and Lambda does not after a restore
        return {**json.loads(message), "log": fds[0]}


def report_exits(control: socket.socket, children: set[int]) -> None:
    """Report the environments that have ended, with their exit codes, to the emulator."""
    for child in tuple(children):
        with contextlib.suppress(ChildProcessError):
            pid, status = os.waitpid(child, os.WNOHANG)
            if pid:
                children.discard(pid)
                control.send(json.dumps({"exited": pid, "status": os.waitstatus_to_exitcode(status)}).encode())


def become_environment(order: dict[str, Any], wanted_openmp_threads: str | None) -> None:
    """Give the forked process the log, folders and variables of its own environment, and cut its connections."""
    os.dup2(order["log"], 1)
    os.dup2(order["log"], 2)
    os.close(order["log"])
    scratch, snapshot_scratch = Path(order["environment"]["TMPDIR"]), Path(os.environ["TMPDIR"])
    for entry in snapshot_scratch.iterdir():  # files that init wrote are there after the restore as well
        (scratch / entry.name).symlink_to(entry)
    os.environ.update(order["environment"])
    tempfile.tempdir = None  # Python keeps the template's folder otherwise
    os.environ.pop("OMP_NUM_THREADS", None)
    if wanted_openmp_threads is not None:
        os.environ["OMP_NUM_THREADS"] = wanted_openmp_threads
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are enough
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{number}").startswith("socket:"):  # noqa: PTH115
                replace_by_dead_socket(int(number))


def replace_by_dead_socket(number: int) -> None:
    """Replace a connection from before the snapshot by a socket whose peer is gone."""
    ours, theirs = socket.socketpair()
    theirs.close()
    os.dup2(ours.fileno(), number)
    ours.close()


def living_threads() -> list[str]:
    """Return the names of the threads that a fork would lose. Ending threads have THREAD_GRACE to end."""
    end = time.monotonic() + THREAD_GRACE
    while (count := len(os.listdir("/proc/self/task"))) > 1 and time.monotonic() < end:  # noqa: PTH208
        time.sleep(0.01)
    if count == 1:
        return []
    python = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    return python + [f"native thread {number + 1}" for number in range(count - 1 - len(python))]


if __name__ == "__main__":
    main()
