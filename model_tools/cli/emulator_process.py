"""The emulator as a child process that never outlives its command.

Its contract with the command is what it prints: one line of JSON on standard output when it is ready, or one line on
standard error that says why it cannot start.
"""

import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from model_tools.aws.faults import CallFailed
from model_tools.cli.errors import UserError
from model_tools.cli.extras import require_extra

REFUSED = 2
"""The exit code of an emulator that has said on standard error why it cannot start."""
TIME_TO_STOP = 20.0
"""Seconds that the emulator gets to end its executions and functions before it is killed."""


@dataclass(frozen=True)
class ReadyMessage:
    """The line that the emulator prints when it answers and the stack is deployed."""

    endpoint_url: str
    region: str
    account_id: str
    stack_name: str
    outputs: Mapping[str, str]
    """The stack's outputs, by name."""
    local_urls: Mapping[str, str]
    """The addresses at which the stack's public URLs answer on this machine, by the name of the output."""


class EmulatorProcess:
    """`python -m emulator` as a child; a context manager that always ends it, with everything it started."""

    def __init__(self, arguments: Sequence[str], *, environ: Mapping[str, str]) -> None:
        # -P keeps a folder named `emulator` in the current directory from being taken for the emulator.
        self._command = [sys.executable, "-P", "-m", "emulator", *arguments]
        self._environ = dict(environ)

    def __enter__(self) -> Self:
        # In a session of its own the child gets no Ctrl-C: the command gets it, and ends the child in order.
        self._child = subprocess.Popen(
            self._command,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._child.terminate()
            self._child.wait(TIME_TO_STOP)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            self._kill()
        finally:
            if self._child.stdout is not None:
                self._child.stdout.close()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def wait_until_ready(self) -> ReadyMessage:
        """Return the emulator's message once it answers and the stack is deployed.

        Raises UserError when the emulator refused to start, CallFailed when it broke.
        """
        line = self._child.stdout.readline() if self._child.stdout else ""
        try:
            said = json.loads(line)
            return ReadyMessage(
                said["endpoint_url"], said["region"], said["account_id"], said["stack_name"],
                dict(said["outputs"]), dict(said["local_urls"]),
            )  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            if line:
                raise CallFailed(f"The emulator said {line[:200]!r} instead of where it is.") from error
            code = self._child.wait(TIME_TO_STOP)
            if code == REFUSED:
                raise UserError("The emulator did not start; it says above why.") from error
            raise CallFailed(f"The emulator broke while it started (exit code {code}); see above.") from error

    def wait(self) -> None:
        """Wait for the emulator, which should not end by itself. Raises CallFailed when it does."""
        for line in self._child.stdout or ():
            print(line, end="", file=sys.stderr)  # noqa: T201 (the emulator's own output is passed on)
        raise CallFailed(f"The emulator ended by itself (exit code {self._child.wait()}); see above.")

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if os.name == "posix":
                os.killpg(self._child.pid, signal.SIGKILL)
            else:
                self._child.kill()
        self._child.wait()


def check_that_it_can_run(port: int) -> None:
    """Raise UserError when the emulator is not installed or its port is taken."""
    require_extra("emulator", what="The emulator")
    if port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UserError(
                    f"Port {port} is taken by another program: give another with --port, or --port 0 for any free one."
                ) from error
            raise UserError(f"Port {port} cannot be used ({error.strerror}): give another with --port.") from error
