"""Runs jobs in child processes, and hands back the validated result or an error of ours.

A library such as torch is imported once, by a fork server (fork_server.py); each job is a fork of it.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

from model_tools import errors
from model_tools.errors import ModelTooLarge, PublishError, TraceFailed
from model_tools.packaging.children.endings import STACK_SECONDS, STACK_SIGNAL, forget_endings, last_step
from model_tools.packaging.children.messages import JOB_FILE, MAX_RESULT_BYTES, RESULT_FILE, Refusal
from model_tools.packaging.children.processes import (
    KILL_SECONDS,
    RUN_IT,
    Tail,
    child_environment,
    end_session,
    hide_from_children,
    last_lines,
    open_regular,
)

FORK_SERVER = "model_tools.packaging.children.fork_server"
MAX_MESSAGE_BYTES = 1 << 16

CRASHES = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT})
"""The signals by which a process ends that has done what it may not."""

Result = TypeVar("Result", bound=BaseModel)
_Key = tuple[int, tuple[str, ...], bool]
"""The hash seed of a fork server, the modules that it imports, and whether it is the one beside the first."""
START_SECONDS = 120.0
"""The time within which a fork server must have forked another one."""


class Workers:
    """Fork servers by the modules that they import, each started when it is first needed. A context manager."""

    def __init__(self) -> None:
        self._servers: dict[_Key, _ForkServer] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._servers:  # the last one first: a server beside another is ended while its parent keeps its id
            self._servers.popitem()[1].close()

    def prepare(self, modules: Sequence[str], *, hash_seed: int = 0, beside: bool = False) -> None:
        """Begin to import modules whose jobs will come, in a process with this seed for hashes of texts.

        The server that is `beside` the first one for these modules is forked from it, and does its jobs at the same
        time; it must be prepared while the first one does none.
        """
        self._server((hash_seed, tuple(modules), beside))

    def run(
        self,
        module: str,
        job: BaseModel,
        answer: type[Result],
        *,
        modules: Sequence[str],
        hash_seed: int = 0,
        beside: bool = False,
        scratch: Path,
        cwd: Path,
        seconds: float,
    ) -> Result:
        """Run the `main` of one of the modules and return the validated message that it leaves in the scratch folder.

        Raises the error that the child names; TraceFailed when it is out of time, dies or answers nonsense;
        ModelTooLarge when the kernel killed it. Nothing of its session is left when this returns.
        """
        (scratch / RESULT_FILE).unlink(missing_ok=True)
        forget_endings(scratch)
        (scratch / JOB_FILE).write_text(job.model_dump_json(), encoding="utf-8")
        key = (hash_seed, tuple(modules), beside)
        server = self._server(key)
        try:
            status, tail = server.run(module, scratch, cwd, seconds)
        except TimeoutError as error:
            self._close(key)
            raise TraceFailed(
                f"The process that loads models for tracing was not ready within {seconds:g} s: publish again, on a "
                "machine or with a tracing function that has more memory and so more processor."
            ) from error
        except BaseException:
            self._close(key)
            raise
        if status != 0 or not os.path.lexists(scratch / RESULT_FILE):
            raise _ended_without_result(status, tail, last_step(scratch, cwd), seconds)
        return _read_result(scratch / RESULT_FILE, answer)

    def _server(self, key: "_Key") -> "_ForkServer":
        if key not in self._servers:
            hash_seed, modules, beside = key
            self._servers[key] = (
                _ServerBeside(self._server((hash_seed, modules, False))) if beside else _ForkServer(modules, hash_seed)
            )
        return self._servers[key]

    def _close(self, key: "_Key") -> None:
        """Close a server, and the one beside it, which ends with it."""
        hash_seed, modules, beside = key
        for ended in (key,) if beside else ((hash_seed, modules, True), key):
            if server := self._servers.pop(ended, None):
                server.close()


class _ForkServer:
    """One fork server, seen from its parent."""

    def __init__(self, modules: Sequence[str], hash_seed: int) -> None:
        hide_from_children()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, writing = os.pipe()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-P", "-m", FORK_SERVER, str(theirs.fileno()), *modules],
                env=child_environment(Path("/nonexistent"), hash_seed), stdin=subprocess.DEVNULL, stdout=writing,
                stderr=subprocess.STDOUT, start_new_session=True, pass_fds=(theirs.fileno(),),
            )  # fmt: skip
        os.close(writing)
        self._tail = Tail(reading)

    def run(self, module: str, scratch: Path, cwd: Path, seconds: float) -> tuple[int | None, str]:
        """Return the exit status of a fork that does the job (None: out of time), and the end of what it wrote."""
        reading, writing = os.pipe()
        tail = Tail(reading)
        try:
            self._ask({"module": module, "scratch": str(scratch), "cwd": str(cwd)}, writing)
        finally:
            os.close(writing)
        pid = self._answer(seconds)["pid"]
        try:
            self._answer(seconds)
            in_time = True
        except TimeoutError:
            in_time = False
            _ask_for_stacks(pid)
        finally:
            end_session(pid)
        if not in_time:
            self._answer(KILL_SECONDS)
        self._ask({})
        status = self._answer(KILL_SECONDS)["status"]
        return (status if in_time else None), tail.text()

    def close(self) -> None:
        """End the server, and whatever fork of it is left."""
        self._control.close()
        self._process.kill()
        self._process.wait()

    def fork(self, *descriptors: int) -> int:
        """Have another server forked that takes the descriptors of its output and its socket; return its id."""
        self._ask({}, *descriptors)
        pid: int = self._answer(START_SECONDS)["pid"]
        return pid

    def _ask(self, message: dict[str, str], *descriptors: int) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(message).encode()], descriptors)
        except OSError as error:
            raise self._broken() from error

    def _answer(self, seconds: float) -> dict[str, Any]:
        """Return the next message. Raises TimeoutError, or TraceFailed when the server is gone."""
        self._control.settimeout(seconds)
        try:
            message = self._control.recv(MAX_MESSAGE_BYTES)
        except TimeoutError:
            raise
        except OSError as error:
            raise self._broken() from error
        if not message:
            raise self._broken()
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _wait(self) -> None:
        try:
            self._process.wait(KILL_SECONDS)  # it may be writing down what ended it
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _broken(self) -> TraceFailed:
        self._wait()
        return TraceFailed(
            "The process that loads models for tracing could not be started, or was ended from outside: "
            f"{RUN_IT}, or publish again. {last_lines(self._tail.text())}"
        )


class _ServerBeside(_ForkServer):
    """A server that has been forked from another one, and has imported what that has."""

    def __init__(self, first: _ForkServer) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        reading, writing = os.pipe()
        try:
            with theirs:
                self._pid = first.fork(writing, theirs.fileno())
        finally:
            os.close(writing)
        self._tail = Tail(reading)

    def close(self) -> None:
        """End the server; it is a child of the first one, which keeps its id from being given away."""
        self._control.close()
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def _wait(self) -> None:
        """Do nothing: nobody but the first server can wait for its end."""


def _ask_for_stacks(pid: int) -> None:
    """Let a child that is out of time write down where it is, and wait while it does."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, STACK_SIGNAL)
        time.sleep(STACK_SECONDS)


def _ended_without_result(status: int | None, tail: str, step: str, seconds: float) -> PublishError:
    """Return the error for a child without a result: it was out of time (None), was killed, crashed, or ended."""
    also, wrote = (f"; {step}" if step else ""), last_lines(tail)
    if status is None:
        return TraceFailed(
            f"The model was not ready within {seconds:g} s{also}. Look there for a loop that does not end, make the "
            f"code load and answer faster, or its example inputs smaller. {wrote}"
        )
    if status == -signal.SIGKILL:
        return ModelTooLarge(
            f"The process of the model's code was killed, as the kernel does when memory runs out{also}. Give the "
            "tracing function more memory, make the example inputs smaller, or publish a smaller model. "
            f"{wrote}"
        )
    if status < 0 and -status not in CRASHES:
        return TraceFailed(
            f"The process of the model's code was ended by a signal ({_signal_name(-status)}){also}. Remove what sends "
            f"it (signal.alarm, os.kill, a time limit of a library), and run the code once by hand. {wrote}"
        )
    if status < 0:
        return TraceFailed(
            f"The model's code crashed its process ({_signal_name(-status)}){also}. Python code cannot do that by "
            "itself: look for a compiled extension, ctypes, or an index out of range in an operator, and run the code "
            f"once by hand with `python -X faulthandler`. {wrote}"
        )
    return TraceFailed(
        f"The model's code ended its process before it had an answer{also}. Remove what ends it (exit() of a library, "
        f"os._exit, os.exec…), and run the code once by hand with the manifest's inputs. {wrote}"
    )


def _read_result(path: Path, answer: type[Result]) -> Result:
    with os.fdopen(open_regular(path, what="its result"), "rb") as file:
        data = file.read(MAX_RESULT_BYTES + 1)
    try:
        if len(data) > MAX_RESULT_BYTES:
            raise TraceFailed(f"The model's code left a result of more than {MAX_RESULT_BYTES:,} bytes: {RUN_IT}.")
        if data.startswith(b'{"status":"refused"'):
            raise _as_error(Refusal.model_validate_json(data))
        return answer.model_validate_json(data)
    except ValidationError as error:
        raise TraceFailed(f"The model's code left a result that is not understood: {RUN_IT}.") from error


def _as_error(refusal: Refusal) -> PublishError:
    kind: type[PublishError] = getattr(errors, refusal.error)  # one of the names that Refusal allows
    return kind(refusal.message)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
