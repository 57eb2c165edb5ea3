"""Starting the processes of environments and snapshots."""

import asyncio
import os
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.cloudwatch.log_writer import LogWriter
from emulator.lambda_.runtime.code_store import CodeStore
from emulator.lambda_.runtime.environment import ExecutionEnvironment
from emulator.lambda_.runtime.log_lines import init_start_line
from emulator.lambda_.runtime.log_stream import LogStream
from emulator.lambda_.runtime.memory import MemoryWatch
from emulator.lambda_.runtime.process_environment import function_environment
from emulator.lambda_.runtime.processes import spawn
from emulator.lambda_.runtime.runtime_api import RuntimeApi
from emulator.lambda_.runtime.storage import StorageWatch
from emulator.lambda_.settings import LambdaSettings
from emulator.lambda_.spec import FunctionSpec


@dataclass(frozen=True)
class EnvironmentLauncher:
    """Starts environments, and holds the objects that all of them share. Used from the event loop only."""

    settings: LambdaSettings
    python: Path
    code: CodeStore
    logs: LogWriter
    memory: MemoryWatch
    storage: StorageWatch
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def background(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a coroutine that nobody but `drain` waits for."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def drain(self) -> None:
        """Wait until all coroutines in the background have ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def new_scratch(self) -> Path:
        """Return an empty folder for one environment's temporary files."""
        scratch = self.settings.work_dir / "scratch" / uuid.uuid4().hex
        scratch.mkdir(parents=True)
        return scratch

    def new_api(self, spec: FunctionSpec) -> RuntimeApi:
        """Return a Runtime API that gives out the credentials of the function's role. It does not listen yet."""
        return RuntimeApi(lambda: self.settings.credentials_for(spec.role, spec.name))

    async def start_on_demand(self, spec: FunctionSpec) -> ExecutionEnvironment:
        """Start an environment that runs its own init."""
        return await self.start(spec, ["-m", "awslambdaric", spec.handler])

    async def start(
        self,
        spec: FunctionSpec,
        arguments: Sequence[str],
        *,
        variables: Mapping[str, str] | None = None,
        inherit: Sequence[int] = (),
    ) -> ExecutionEnvironment:
        """Start Python with these arguments as the function's process. `variables` override the function's."""
        roots = [await asyncio.to_thread(self.code.unpack, package) for package in (spec.code, *spec.layers)]
        api, log, scratch = self.new_api(spec), LogStream(self.logs, spec), self.new_scratch()
        address = await api.start()
        environment = function_environment(
            spec,
            python=self.python,
            task_root=roots[0],
            layer_roots=roots[1:],
            endpoint_url=self.settings.endpoint_url,
            runtime_api=address,
            log_stream=log.name,
            scratch=scratch,
            credentials=await self._credentials(spec, api, address),
        )
        log.emit(init_start_line(spec.runtime, restored=False, log_format=spec.log_format))
        output = log.open_pipe()
        try:
            process = await spawn(
                # -P: code and layers are in PYTHONPATH, and nothing is imported from the working directory
                [str(self.python), "-P", *arguments],
                environment={**environment, **(variables or {})},
                folder=roots[0],
                output=output,
                scratch=scratch,
                inherit=inherit,
            )
        finally:
            os.close(output)
        return ExecutionEnvironment(
            spec, process=process, api=api, log=log, scratch=scratch, memory=self.memory, storage=self.storage
        )

    async def _credentials(self, spec: FunctionSpec, api: RuntimeApi, address: str) -> dict[str, str]:
        if spec.restores:
            # keys in variables would be part of the snapshot and expire
            return api.credentials_environment(address)
        given = await asyncio.to_thread(self.settings.credentials_for, spec.role, spec.name)
        return {
            "AWS_ACCESS_KEY_ID": given.access_key_id,
            "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
            "AWS_SESSION_TOKEN": given.session_token,
        }
