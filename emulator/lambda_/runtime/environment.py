"""One execution environment: a process with its Runtime API, its log and its limits."""

import asyncio
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from emulator.lambda_.runtime.event_loop import first_of
from emulator.lambda_.runtime.invocation import Invocation, InvocationOutcome, RuntimeFault, platform_fault
from emulator.lambda_.runtime.log_lines import InvocationReport, end_lines, start_line
from emulator.lambda_.runtime.log_stream import LogStream
from emulator.lambda_.runtime.memory import MemoryMeter, MemoryWatch
from emulator.lambda_.runtime.processes import FunctionProcess, describe_exit
from emulator.lambda_.runtime.runtime_api import RuntimeApi
from emulator.lambda_.runtime.storage import StorageMeter, StorageWatch
from emulator.lambda_.spec import FunctionSpec

MEGABYTE = 1024 * 1024

SETTLE_SECONDS = 1.0
"""The time that a runtime has, after its answer, to ask for the next invocation."""


@dataclass(frozen=True)
class StartupTimes:
    """The time in milliseconds that an environment took to be ready, by init or by restoring a snapshot."""

    init_ms: float | None = None
    restore_ms: float | None = None


class ExecutionEnvironment:
    """An environment whose process has been started. It runs one invocation at a time.

    `ready` waits for init, `run` invokes, `destroy` ends the process and removes its files.
    """

    def __init__(
        self,
        spec: FunctionSpec,
        *,
        process: FunctionProcess,
        api: RuntimeApi,
        log: LogStream,
        scratch: Path,
        memory: MemoryWatch,
        storage: StorageWatch,
        inherited: int = 0,
    ) -> None:
        self.spec = spec
        self.log = log
        self.process = process
        self.api = api
        self._scratch = scratch
        self._memory = memory
        self.meter = MemoryMeter(process, spec.memory_mb * MEGABYTE, str(scratch))
        self._storage = storage
        self.disk = StorageMeter(process, scratch, spec.storage_mb, inherited=inherited)
        self._watch()

    @property
    def usable(self) -> bool:
        """True when the process is alive and its runtime asks for an invocation."""
        return not self.process.exited.done() and self.api.waiting.is_set()

    async def ready(self, limit: float) -> RuntimeFault | None:
        """Wait until the runtime asks for an invocation, for `limit` seconds at most.

        Return None then, or the fault: that of the runtime, its exit, or the timeout.
        """
        waiting = asyncio.ensure_future(self.api.waiting.wait())
        try:
            await first_of(waiting, self.api.failed, self.process.exited, seconds=limit)
            if waiting.done():
                return None
            if self.api.failed.done():
                return self.api.failed.result()
            if self.process.exited.done():
                return self._exit_fault()
            return platform_fault("Sandbox.Timedout", f"Init timed out after {limit:.2f} seconds")
        finally:
            waiting.cancel()
            self.stop_watching()

    async def run(self, invocation: Invocation, *, limit: float, started: StartupTimes) -> InvocationOutcome:
        """Invoke the handler. A process that has not answered after `limit` seconds is killed."""
        self._watch()
        self.log.begin()
        self.log.emit(start_line(invocation.request_id, self.spec.version, self.spec.log_format))
        begun = time.perf_counter()
        answer = self.api.hand_over(invocation, time.time() + limit)
        await first_of(answer, self.process.exited, seconds=limit)
        duration = (time.perf_counter() - begun) * 1000
        self.stop_watching()
        self.meter.record_peak()
        if self.disk.is_quick:
            self.disk.scan()
        result, status = await self._result(answer, invocation)
        fault_kind = result.kind if isinstance(result, RuntimeFault) and status else None
        report = InvocationReport(
            request_id=invocation.request_id,
            duration_ms=duration,
            memory_mb=self.spec.memory_mb,
            peak_mb=-(-self.meter.peak // MEGABYTE),
            init_ms=started.init_ms,
            restore_ms=started.restore_ms,
            status=status,
            error_type=fault_kind if status == "error" else None,
        )
        await self.log.emit(*end_lines(report, self.spec.log_format))
        if isinstance(result, RuntimeFault):
            return InvocationOutcome(result.body, "Unhandled", duration, self.log.tail)
        return InvocationOutcome(result, None, duration, self.log.tail)

    async def destroy(self) -> None:
        """Kill all its processes, close its API and remove its files."""
        self.stop_watching()
        await self.process.kill()
        self.api.close()
        self.log.close()
        await asyncio.to_thread(shutil.rmtree, self._scratch, ignore_errors=True)

    async def _result(
        self, answer: asyncio.Future[bytes | RuntimeFault], invocation: Invocation
    ) -> tuple[bytes | RuntimeFault, str | None]:
        """Return the answer or the fault, and the status for the REPORT line."""
        exceeded = self.meter.exceeded or self.disk.exceeded
        if answer.done() and not exceeded:
            result = answer.result()
            too_large = isinstance(result, RuntimeFault) and result.kind == "Function.ResponseSizeTooLarge"
            if not too_large:
                await self._settle()
            return result, "error" if too_large else None
        request = f"RequestId: {invocation.request_id}"
        if not self.process.exited.done() and not exceeded:
            timeout = f"Task timed out after {self.spec.timeout:.2f} seconds"
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self.log.emit(f"{now} {invocation.request_id} {timeout}")
            await self.process.kill()
            return platform_fault("Sandbox.Timedout", f"{request} Error: {timeout}"), "timeout"
        await self.process.kill()
        fault = self._exit_fault(request)
        self.log.emit(f"{request} Error: {self._describe_exit()}\nRuntime.ExitError")
        return fault, "error"

    async def _settle(self) -> None:
        """Wait until the runtime asks for the next invocation, so that the next request finds it warm."""
        waiting = asyncio.ensure_future(self.api.waiting.wait())
        await first_of(waiting, self.process.exited, seconds=SETTLE_SECONDS)
        waiting.cancel()

    def _watch(self) -> None:
        self._memory.add(self.meter)
        self._storage.add(self.disk)

    def stop_watching(self) -> None:
        """Stop measuring memory and storage: between invocations an environment is frozen on AWS."""
        self._memory.remove(self.meter)
        self._storage.remove(self.disk)

    def _describe_exit(self) -> str:
        if self.disk.exceeded:
            return self.disk.reason
        return f"Runtime exited with error: {describe_exit(self.process.exited.result())}"

    def _exit_fault(self, request: str = "") -> RuntimeFault:
        return platform_fault("Runtime.ExitError", f"{request} Error: {self._describe_exit()}".strip())
