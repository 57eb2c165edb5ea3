"""Function processes: their end noticed, their whole session killed, their memory counted. Linux only."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")
STATUS_GRACE = 1.0  # seconds for a template to say how a forked environment ended
SIGNALS = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted",
           signal.SIGTERM: "terminated"}  # fmt: skip


class FunctionProcess:
    """The leader of an environment's session. `exited` becomes the return code, negative for a signal."""

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
        except ProcessLookupError:  # a fork that ended at once, and was reaped by its template
            self._end = asyncio.ensure_future(self._wait_for_report())
        else:
            loop.add_reader(self._pidfd, self._gone)

    def report(self, status: int) -> None:
        """Take the return code that a template reports of its fork."""
        if not self._reported.done():
            self._reported.set_result(status)

    async def kill(self) -> None:
        """Kill the process and all that it started, and wait for its end."""
        kill_session(self.pid, str(self._scratch))
        await asyncio.shield(self.exited)
        kill_session(self.pid, str(self._scratch))  # what a dying process may still have started

    def _gone(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self._popen is not None:
            self.exited.set_result(self._popen.wait())
        else:
            self._end = asyncio.ensure_future(self._wait_for_report())

    async def _wait_for_report(self) -> None:
        await asyncio.wait({self._reported}, timeout=STATUS_GRACE)
        self.exited.set_result(self._reported.result() if self._reported.done() else -signal.SIGKILL)


async def spawn(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, output: int, scratch: Path,
    inherit: Sequence[int] = (),
) -> FunctionProcess:  # fmt: skip
    """Start a process in a session of its own, with nothing inherited but the descriptors in `inherit`."""
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
    return f"signal: {SIGNALS.get(signal.Signals(-code), signal.Signals(-code).name)}"


def kill_session(session: int, scratch: str) -> None:
    """Kill every process of a session, and those that left it but still carry its scratch folder."""
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
    """Return the most bytes that a process ever had resident; 0 when it is gone."""
    return _status_field(pid, "VmHWM")


def memory_in_files(pid: int) -> int:
    """Return the bytes that a process holds in files in memory (memfd) and that its resident memory does not show."""
    held: dict[int, int] = {}
    with contextlib.suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208 - names are enough
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
    for name in os.listdir("/proc"):  # noqa: PTH208 - names are enough
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()
            yield int(name), int(fields[3]), int(fields[21]) * PAGE


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
