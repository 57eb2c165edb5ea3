"""The environments of all functions, behind methods that any thread may call."""

import asyncio
import logging
import shutil
import weakref
import zipfile
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException

from emulator.cloudwatch.log_writer import LogWriter
from emulator.lambda_.runtime.code_store import BAD_ZIP, CodeStore
from emulator.lambda_.runtime.event_loop import EventLoopThread
from emulator.lambda_.runtime.invocation import Invocation, InvocationOutcome
from emulator.lambda_.runtime.launcher import EnvironmentLauncher
from emulator.lambda_.runtime.memory import MemoryWatch
from emulator.lambda_.runtime.pool import EnvironmentPool
from emulator.lambda_.runtime.processes import kill_everything_under
from emulator.lambda_.runtime.snapshot_template import SnapshotInitFailed, SnapshotTemplate
from emulator.lambda_.runtime.storage import StorageWatch
from emulator.lambda_.settings import LambdaSettings
from emulator.lambda_.spec import FunctionSpec
from emulator.packages.python import make_python

logger = logging.getLogger(__name__)

Failure = tuple[str, str]
"""A StateReasonCode and its StateReason."""


class FunctionRuntime:
    """Runs functions. After `close()` no process, no thread and no file is left."""

    def __init__(self, settings: LambdaSettings) -> None:
        self.settings = settings
        settings.work_dir.mkdir(parents=True, exist_ok=True)
        self.code = CodeStore(settings.work_dir / "code")
        python = make_python(settings.work_dir / "python", settings.preinstalled)
        self._loop = EventLoopThread()
        self._logs = LogWriter()
        memory, storage = MemoryWatch(settings.memory_poll_seconds), StorageWatch(settings.storage_poll_seconds)
        self._launcher = EnvironmentLauncher(settings, python, self.code, self._logs, memory, storage)
        self._pools: dict[FunctionSpec, EnvironmentPool] = {}
        self._retired: weakref.WeakSet[FunctionSpec] = weakref.WeakSet()
        self._closed = False

    def invoke(self, spec: FunctionSpec, invocation: Invocation) -> InvocationOutcome:
        """Run one invocation and wait for its outcome; raises TooManyRequestsException, SnapStartTimeoutException."""
        return self._loop.run(self._invoke(spec, invocation))

    def prepare(self, spec: FunctionSpec, delay: float, done: Callable[[Failure | None], None]) -> None:
        """Unpack the code and take the snapshot of a spec, then call `done`, after `delay` seconds at the earliest."""
        self._loop.start(self._prepare(spec, delay, done))

    def retire(self, spec: FunctionSpec) -> None:
        """End a spec's environments as soon as they are free."""
        self._loop.start(self._retire(spec))

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a coroutine in the background until it ends or the runtime is closed."""
        self._loop.start(self._guarded(work))

    def close(self) -> None:
        """Kill every function process with its children and remove all files. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._loop.run(self._close_pools())
        self._loop.close()
        self._logs.close()
        kill_everything_under(self.settings.work_dir)
        shutil.rmtree(self.settings.work_dir, ignore_errors=True)

    async def _invoke(self, spec: FunctionSpec, invocation: Invocation) -> InvocationOutcome:
        pool = self._pools.get(spec)
        if pool is None:
            if spec in self._retired or spec.restores:
                raise UnknownFunctionException(f"{spec.arn}:{spec.version}")
            pool = self._pools[spec] = EnvironmentPool(spec, self._launcher)
        return await pool.invoke(invocation)

    async def _retire(self, spec: FunctionSpec) -> None:
        self._retired.add(spec)
        if pool := self._pools.pop(spec, None):
            await pool.retire()

    async def _prepare(self, spec: FunctionSpec, delay: float, done: Callable[[Failure | None], None]) -> None:
        ready_at = asyncio.get_running_loop().time() + delay
        failure: Failure | None = None
        try:
            for package in (spec.code, *spec.layers):
                await asyncio.to_thread(self.code.unpack, package)
            if spec.restores:
                template = await SnapshotTemplate.take(self._launcher, spec)
                self._pools[spec] = EnvironmentPool(spec, self._launcher, template=template)
        except zipfile.BadZipFile as error:
            failure = ("InvalidZipFileException", f"{BAD_ZIP} ({error})")
        except SnapshotInitFailed as error:
            failure = (error.code, error.reason)
        except Exception as error:
            logger.exception("%s:%s could not be made ready", spec.name, spec.version)
            failure = ("InternalError", f"{type(error).__name__}: {error}")
        await asyncio.sleep(max(0.0, ready_at - asyncio.get_running_loop().time()))
        # in another thread, since `done` waits for the control plane's lock
        await asyncio.to_thread(done, failure)

    @staticmethod
    async def _guarded(work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            logger.exception("an asynchronous invocation was lost")

    async def _close_pools(self) -> None:
        pools, self._pools = [*self._pools.values()], {}
        await asyncio.gather(*(pool.close() for pool in pools), return_exceptions=True)
        await self._launcher.drain()
        await self._launcher.memory.close()
        await self._launcher.storage.close()
