"""Function processes: starting them, noticing their end, killing their session, measuring their memory. Linux only."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")

REPORT_SECONDS = 1.0
"""The time that a template has to report how a forked environment ended."""

SIGNAL_WORDS = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted",
                signal.SIGTERM: "terminated"}  # fmt: skip
"""The words for a signal in Lambda's messages."""


class FunctionProcess:
    """The leader of an environment's session. `exited` gets the return code, which is negative after a signal."""

    def __init__(self, pid: int, scratch: Path, *, popen: subprocess.Popen[bytes] | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.pid = pid
        self.exited: asyncio.Future[int] = loop.create_future()
        self._reported: asyncio.Future[int] = loop.create_future()
        self._scratch = scratch
        self._popen = popen
        self._end: asyncio.Future[None] | None = None
        try:
            self._pidfd = os.pidfd_open(pid)
        except ProcessLookupError:  # a fork that has ended already, and that its template has waited for
            self._end = asyncio.ensure_future(self._wait_for_report())
        else:
            loop.add_reader(self._pidfd, self._on_exit)

    def report(self, status: int) -> None:
        """Take the return code that a template reports for its fork."""
        if not self._reported.done():
            self._reported.set_result(status)

    async def kill(self) -> None:
        """Kill the process and all processes that it has started, and wait for its end."""
        kill_session(self.pid, str(self._scratch))
        await asyncio.shield(self.exited)
        kill_session(self.pid, str(self._scratch))  # processes that were started meanwhile

    def _on_exit(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self._popen is not None:
            self.exited.set_result(self._popen.wait())
        else:
            self._end = asyncio.ensure_future(self._wait_for_report())

    async def _wait_for_report(self) -> None:
        await asyncio.wait({self._reported}, timeout=REPORT_SECONDS)
        self.exited.set_result(self._reported.result() if self._reported.done() else -signal.SIGKILL)


async def spawn(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, output: int, scratch: Path,
    inherit: Sequence[int] = (),
) -> FunctionProcess:  # fmt: skip
    """Start a process in a session of its own. It inherits the descriptors in `inherit` and no others."""
    popen = await asyncio.to_thread(
        subprocess.Popen,
        command,
        env=dict(environment),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        pass_fds=inherit,
    )
    return FunctionProcess(popen.pid, scratch, popen=popen)


def describe_exit(code: int) -> str:
    """Return a return code in Lambda's words: `exit status 3`, `signal: killed`."""
    if code >= 0:
        return f"exit status {code}"
    return f"signal: {SIGNAL_WORDS.get(signal.Signals(-code), signal.Signals(-code).name)}"


def kill_session(session: int, scratch: str) -> None:
    """Kill every process of a session, and every process elsewhere whose TMPDIR is its scratch folder."""
    marker = f"TMPDIR={scratch}".encode()
    for pid, its_session, _ in _processes():
        if its_session == session or marker in _environment(pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def kill_everything_under(folder: Path) -> None:
    """Kill every process whose scratch folder lies in `folder`, whoever started it."""
    prefix = f"TMPDIR={folder}{os.sep}".encode()
    for pid, _, _ in _processes():
        if any(variable.startswith(prefix) for variable in _environment(pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def memory_by_session() -> dict[int, int]:
    """Return the resident bytes of each session's processes."""
    total: dict[int, int] = {}
    for _, session, resident in _processes():
        total[session] = total.get(session, 0) + resident
    return total


def peak_memory(pid: int) -> int:
    """Return the largest number of resident bytes that a process has had; 0 when it is gone."""
    return _status_field(pid, "VmHWM")


def memory_in_files(pid: int) -> int:
    """Return the bytes in a process's memory files (memfd) that its resident memory does not count."""
    held: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - the names are enough
            path = f"/proc/{pid}/fd/{number}"
            with contextlib.suppress(OSError):
                if os.readlink(path).startswith("/memfd:"):  # noqa: PTH115
                    file = os.stat(path)  # noqa: PTH116
                    held[file.st_ino] = file.st_blocks * 512
    return max(0, sum(held.values()) - _status_field(pid, "RssShmem")) if held else 0


def _status_field(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def _processes() -> Iterator[tuple[int, int, int]]:
    """Yield (pid, session, resident bytes) of every process that can be seen."""
    for name in os.listdir("/proc"):  # noqa: PTH208 - the names are enough
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            yield int(name), int(fields[3]), int(fields[21]) * PAGE_BYTES


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
