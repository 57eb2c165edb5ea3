"""The emulator's side of SnapStart: a process that has run init, and that environments are forked from."""

import asyncio
import json
import os
import socket
import time
from collections import deque
from pathlib import Path
from typing import Self

from emulator.lambda_.api_errors import ServiceFailed
from emulator.lambda_.runtime.environment import ExecutionEnvironment
from emulator.lambda_.runtime.event_loop import first_of
from emulator.lambda_.runtime.fork_server import CONTROL_VARIABLE, OPENMP_VARIABLE, ORDER_LIMIT
from emulator.lambda_.runtime.invocation import RuntimeFault
from emulator.lambda_.runtime.launcher import EnvironmentLauncher
from emulator.lambda_.runtime.log_lines import init_report_line, init_start_line
from emulator.lambda_.runtime.log_stream import LogStream
from emulator.lambda_.runtime.processes import FunctionProcess, describe_exit, kill_session
from emulator.lambda_.spec import FunctionSpec

SCRIPT = Path(__file__).with_name("fork_server.py")
"""The program of the template process."""

LONGEST_INIT = 900.0
"""Seconds that init and the before-snapshot hooks may take, whatever the function's timeout is."""

FORK_SECONDS = 10.0
"""The time that a template has to fork an environment."""


class SnapshotInitFailed(Exception):
    """Init has failed before the snapshot. `code` is a StateReasonCode; `reason` contains the function's own error."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class SnapshotTemplate:
    """A snapshot, made by `take`, that can be restored any number of times."""

    def __init__(
        self, launcher: EnvironmentLauncher, environment: ExecutionEnvironment, control: socket.socket
    ) -> None:
        self._launcher = launcher
        self._template = environment
        self._control = control
        self._forks: dict[int, FunctionProcess] = {}
        self._orders: deque[tuple[asyncio.Future[FunctionProcess], Path]] = deque()
        self._ready: asyncio.Future[list[str]] = asyncio.get_running_loop().create_future()
        self._listener = asyncio.ensure_future(self._listen())

    @classmethod
    async def take(cls, launcher: EnvironmentLauncher, spec: FunctionSpec) -> Self:
        """Run init and the before-snapshot hooks; raises SnapshotInitFailed with the reason."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)  # noqa: FBT003 - the standard library's signature
        variables = {
            CONTROL_VARIABLE: str(theirs.fileno()),
            # a fork loses OpenMP's threads, and the next parallel region would wait for them for ever
            "OMP_NUM_THREADS": "1",
        }
        if "OMP_NUM_THREADS" in spec.variables:
            variables[OPENMP_VARIABLE] = spec.variables["OMP_NUM_THREADS"]
        begun = time.perf_counter()
        with theirs:
            environment = await launcher.start(
                spec, [str(SCRIPT), spec.handler], variables=variables, inherit=[theirs.fileno()]
            )
        template = cls(launcher, environment, ours)
        limit = min(max(launcher.settings.snapshot_init_seconds, spec.timeout), LONGEST_INIT)
        try:
            await template._wait_for_snapshot(limit)
        except SnapshotInitFailed as failure:
            template._log_init(begun, failure)
            await template.discard()
            raise
        except asyncio.CancelledError:
            await template.discard()
            raise
        template._log_init(begun)
        return template

    async def restore(self) -> ExecutionEnvironment:
        """Fork an environment. It runs its after-restore hooks next; `ready` waits for them."""
        launcher, spec = self._launcher, self._template.spec
        api, log, scratch = launcher.new_api(spec), LogStream(launcher.logs, spec), launcher.new_scratch()
        log.emit(init_start_line(spec.runtime, restored=True, log_format=spec.log_format))
        order = {
            "AWS_LAMBDA_RUNTIME_API": await api.start(),
            "AWS_LAMBDA_LOG_STREAM_NAME": log.name,
            "TMPDIR": str(scratch),
            "HOME": str(scratch),
        }
        output = log.open_pipe()
        forked: asyncio.Future[FunctionProcess] = asyncio.get_running_loop().create_future()
        self._orders.append((forked, scratch))
        try:
            socket.send_fds(self._control, [json.dumps({"environment": order}).encode()], [output])
            process = await asyncio.wait_for(forked, FORK_SECONDS)
        except (OSError, TimeoutError) as error:
            api.close()
            log.close()
            raise ServiceFailed(f"the snapshot of {spec.name}:{spec.version} is gone: {error}") from error
        finally:
            os.close(output)
        return ExecutionEnvironment(
            spec,
            process=process,
            api=api,
            log=log,
            scratch=scratch,
            memory=launcher.memory,
            storage=launcher.storage,
            inherited=self._template.disk.used,
        )

    async def discard(self) -> None:
        """Kill the template."""
        self._listener.cancel()
        await self._template.destroy()
        self._control.close()

    async def _wait_for_snapshot(self, limit: float) -> None:
        template = self._template
        await first_of(self._ready, template.api.failed, template.process.exited, seconds=limit)
        if template.meter.exceeded:
            raise SnapshotInitFailed(
                "FunctionError.InitResourceExhausted", f"Init used more than {template.spec.memory_mb} MB of memory"
            )
        if self._ready.done():
            await asyncio.to_thread(template.disk.scan)
        if template.disk.exceeded:
            raise SnapshotInitFailed("FunctionError.InitResourceExhausted", template.disk.reason)
        if template.api.failed.done():
            fault: RuntimeFault = template.api.failed.result()
            raise SnapshotInitFailed("FunctionError", fault.summary)
        if template.process.exited.done():
            how = describe_exit(template.process.exited.result())
            raise SnapshotInitFailed(
                "FunctionError.RuntimeInitError", f"Runtime.ExitError: Runtime exited with error: {how}"
            )
        if not self._ready.done():
            raise SnapshotInitFailed("FunctionError.InitTimeout", f"Init timed out after {limit:.2f} seconds")
        if threads := self._ready.result():
            raise SnapshotInitFailed(
                "FunctionError",
                f"The emulator cannot snapshot a process with threads ({', '.join(threads)}): "
                "start them in an after-restore hook, or end them in a before-snapshot hook",
            )
        template.stop_watching()

    async def _listen(self) -> None:
        """Take the template's messages until it has ended."""
        loop = asyncio.get_running_loop()
        while message := await loop.sock_recv(self._control, ORDER_LIMIT):
            said = json.loads(message)
            if "ready" in said:
                self._ready.set_result(said["ready"])
            elif "forked" in said:
                order, scratch = self._orders.popleft()
                self._forks[said["forked"]] = process = FunctionProcess(said["forked"], scratch)
                if order.done():  # nobody waits any more
                    kill_session(process.pid, str(scratch))
                else:
                    order.set_result(process)
            elif ended := self._forks.pop(said["exited"], None):
                ended.report(said["status"])
        for order, _ in self._orders:
            if not order.done():
                order.set_exception(ConnectionResetError("its process ended"))

    def _log_init(self, begun: float, failure: SnapshotInitFailed | None = None) -> None:
        spec = self._template.spec
        self._template.log.emit(
            init_report_line(
                (time.perf_counter() - begun) * 1000,
                phase="init",
                status="error" if failure else "success",
                error_type=failure.code if failure else None,
                log_format=spec.log_format,
            )
        )
