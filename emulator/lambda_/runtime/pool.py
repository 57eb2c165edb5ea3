"""The environments of one state of a function.

A request takes a warm environment when there is one, starts a new one up to a limit, and waits in a queue beyond it.
"""

import asyncio
import time
from collections import deque

from emulator.lambda_.api_errors import SnapStartTimeout, TooManyRequests
from emulator.lambda_.runtime.environment import ExecutionEnvironment, StartupTimes
from emulator.lambda_.runtime.invocation import Invocation, InvocationOutcome, RuntimeFault, platform_fault
from emulator.lambda_.runtime.launcher import EnvironmentLauncher
from emulator.lambda_.runtime.log_lines import InvocationReport, end_lines, init_report_line, start_line
from emulator.lambda_.runtime.snapshot_template import SnapshotTemplate
from emulator.lambda_.spec import FunctionSpec


class EnvironmentFailed(Exception):
    """No environment could be started. The caller gets the fault."""

    def __init__(self, fault: RuntimeFault, log_tail: bytes) -> None:
        super().__init__(fault.summary)
        self.fault = fault
        self.log_tail = log_tail


class EnvironmentPool:
    """Runs a function's invocations. Used from the event loop only."""

    def __init__(
        self, spec: FunctionSpec, launcher: EnvironmentLauncher, *, template: SnapshotTemplate | None = None
    ) -> None:
        self.spec = spec
        self._launcher = launcher
        self._template = template
        self._idle: list[ExecutionEnvironment] = []
        self._busy: set[ExecutionEnvironment] = set()
        self._starting = 0
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._retired = False

    async def invoke(self, invocation: Invocation) -> InvocationOutcome:
        """Run one invocation; raises TooManyRequestsException when all environments are busy and the queue is full."""
        environment, started, limit = None, StartupTimes(), self.spec.timeout
        await self._take_place()
        try:
            environment = self._take_warm()
            if environment is None:
                environment, started, limit = await self._start_cold(invocation)
            self._busy.add(environment)
        except EnvironmentFailed as failed:
            return InvocationOutcome(failed.fault.body, "Unhandled", log_tail=failed.log_tail)
        finally:
            self._starting -= 1
            if environment is None:
                self._wake_next()
        try:
            return await environment.run(invocation, limit=limit, started=started)
        finally:
            await self._give_back(environment)

    async def retire(self) -> None:
        """End idle environments now, busy ones after their invocation, and the snapshot after the last of them."""
        self._retired = True
        idle, self._idle = self._idle, []
        await asyncio.gather(*(environment.destroy() for environment in idle))
        await self._discard_template()

    async def close(self) -> None:
        """End all environments now, those that run an invocation included."""
        self._retired = True
        everything = [*self._idle, *self._busy]
        await asyncio.gather(*(environment.destroy() for environment in everything))
        if self._template is not None:
            await self._template.discard()

    async def _take_place(self) -> None:
        """Wait for a place. `_starting` counts the places that are taken and have no environment yet."""
        settings = self._launcher.settings
        while len(self._busy) + self._starting >= settings.environments_per_version:
            if len(self._waiters) >= settings.queued_per_version:
                raise TooManyRequests
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(turn)
            await turn
        self._starting += 1

    def _take_warm(self) -> ExecutionEnvironment | None:
        while self._idle:
            environment = self._idle.pop()
            if environment.usable:
                return environment
            self._launcher.background(environment.destroy())
        return None

    async def _start_cold(self, invocation: Invocation) -> tuple[ExecutionEnvironment, StartupTimes, float]:
        if self._template is not None:
            environment, took = await self._restore(self._template, invocation)
            return environment, StartupTimes(restore_ms=took * 1000), self.spec.timeout
        settings = self._launcher.settings
        environment, fault, took = await self._start(settings.init_seconds)
        if fault is None:
            return environment, StartupTimes(init_ms=took * 1000), self.spec.timeout
        await self._abandon(environment, fault, took, "init")
        # as on Lambda: init runs once more, within the function's timeout
        environment, fault, took = await self._start(self.spec.timeout)
        if fault is None:
            return environment, StartupTimes(), max(0.0, self.spec.timeout - took)
        raise await self._fail(environment, fault, took, invocation, "invoke")

    async def _start(self, limit: float) -> tuple[ExecutionEnvironment, RuntimeFault | None, float]:
        begun = time.perf_counter()
        environment = await self._launcher.start_on_demand(self.spec)
        fault = await environment.ready(limit)
        return environment, fault, time.perf_counter() - begun

    async def _restore(self, template: SnapshotTemplate, invocation: Invocation) -> tuple[ExecutionEnvironment, float]:
        begun = time.perf_counter()
        environment = await template.restore()
        limit = self._launcher.settings.restore_seconds
        fault = await environment.ready(limit)
        took = time.perf_counter() - begun
        if fault is None:
            return environment, took
        failed = await self._fail(environment, fault, took, invocation, "restore")
        if fault.kind == "Sandbox.Timedout":
            raise SnapStartTimeout(limit)
        raise failed

    async def _fail(
        self, environment: ExecutionEnvironment, fault: RuntimeFault, took: float, invocation: Invocation, phase: str
    ) -> EnvironmentFailed:
        """Write the log of an invocation that got no environment, and return the exception to raise."""
        request = f"RequestId: {invocation.request_id} "
        if phase == "invoke" and fault.kind == "Sandbox.Timedout":
            fault = platform_fault(fault.kind, f"{request}Error: Task timed out after {self.spec.timeout:.2f} seconds")
        elif fault.kind == "Runtime.ExitError":
            fault = platform_fault(fault.kind, request + fault.message)
        log, spec = environment.log, self.spec
        log.begin()
        log.emit(start_line(invocation.request_id, spec.version, spec.log_format))
        await self._abandon(environment, fault, took, phase)
        status = "timeout" if fault.kind == "Sandbox.Timedout" else "error"
        report = InvocationReport(
            invocation.request_id, took * 1000, spec.memory_mb, 0, status=status, error_type=fault.kind
        )
        await log.emit(*end_lines(report, spec.log_format))
        return EnvironmentFailed(fault, log.tail)

    async def _abandon(self, environment: ExecutionEnvironment, fault: RuntimeFault, took: float, phase: str) -> None:
        status = "timeout" if fault.kind == "Sandbox.Timedout" else "error"
        line = init_report_line(
            took * 1000, phase=phase, status=status, error_type=fault.kind, log_format=self.spec.log_format
        )
        await environment.log.emit(line)
        await environment.destroy()

    async def _give_back(self, environment: ExecutionEnvironment) -> None:
        self._busy.discard(environment)
        if self._retired or not environment.usable:
            self._launcher.background(environment.destroy())
        else:
            self._idle.append(environment)
        self._wake_next()
        await self._discard_template()

    def _wake_next(self) -> None:
        while self._waiters:
            turn = self._waiters.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    async def _discard_template(self) -> None:
        if self._retired and self._template is not None and not self._busy and not self._starting:
            template, self._template = self._template, None
            await template.discard()
