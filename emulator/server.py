"""The emulator: one endpoint, started and stopped as a whole."""

import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from botocore.config import Config
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data

from emulator import cloudwatch, iam
from emulator.clients import Clients
from emulator.cloudformation import BuildCache, Stacks
from emulator.errors import EmulatorError
from emulator.events import EventSettings, start_events
from emulator.gateway.endpoints import PublicEndpoints, local_url
from emulator.gateway.front_door import FrontDoor
from emulator.gateway.http_server import HttpServer
from emulator.gateway.moto_app import create_moto_app
from emulator.lambda_ import LambdaSettings, start_lambda
from emulator.step_functions import InterpreterSettings, start_step_functions

_OPERATOR_CONFIG = Config(read_timeout=910, retries={"total_max_attempts": 1}, max_pool_connections=50)
"""The operator's clients wait longer than a function may run (900 s), and never retry: a test sees the first answer."""

_running = threading.Lock()
"""Held while an emulator runs. moto's state belongs to the process, so there can be one emulator at a time."""


def _forget_everything() -> None:
    BackendDict.reset()
    reset_model_data()


class Emulator:
    """AWS behind one endpoint URL, from `start()` to `stop()`; a context manager does both.

    `port` 0 takes a free one. `time_scale` divides Wait states, retry back-off and schedules: 60 makes a minute of
    baking a second. Task timeouts are not scaled, since real work does not get faster. `preinstalled` names
    distributions, such as torch, that functions find beside Lambda's own packages, as in a container image.
    """

    def __init__(self, *, port: int = 0, time_scale: float = 1.0, preinstalled: Sequence[str] = ()) -> None:
        if time_scale <= 0:
            raise EmulatorError(f"time_scale is {time_scale}: give a number greater than 0")
        self._port = port
        self._time_scale = time_scale
        self._preinstalled = tuple(preinstalled)
        self._started = ExitStack()

    @property
    def endpoint_url(self) -> str:
        """The URL that clients connect to, e.g. `http://127.0.0.1:4566`."""
        return self._http.url

    def start(self) -> Self:
        """Start to answer.

        Raises EmulatorError when the port is taken or another emulator runs in this process.
        """
        if not _running.acquire(blocking=False):
            raise EmulatorError(
                "an emulator is running in this process already: stop it first, or start `python -m emulator`"
            )
        with ExitStack() as started:  # when a step fails, the steps before it are undone
            started.callback(_running.release)
            self._start_services(started)
            self._started = started.pop_all()
        return self

    def _start_services(self, started: ExitStack) -> None:
        iam.repair()
        cloudwatch.repair()
        work_dir = Path(
            started.enter_context(tempfile.TemporaryDirectory(prefix="emulator-", ignore_cleanup_errors=True))
        )
        started.callback(_forget_everything)
        self._http = HttpServer(self._port)
        started.callback(self._http.close)
        os.environ["MOTO_PORT"] = str(self._http.port)  # moto's own callers look it up at each call
        started.callback(os.environ.pop, "MOTO_PORT", None)
        self.credential_issuer = iam.CredentialIssuer()
        url, credentials_for, scale = self.endpoint_url, self.credential_issuer.issue, self._time_scale
        self._clients = Clients(
            endpoint_url=url, credentials_for=credentials_for, session_name="operator", config=_OPERATOR_CONFIG
        )
        started.callback(self._clients.close)
        self._stacks = Stacks(self.client, BuildCache.of_user(os.environ))
        functions = LambdaSettings(url, credentials_for, work_dir / "lambda", preinstalled=self._preinstalled)
        started.callback(start_lambda(functions).close)
        started.callback(start_step_functions(InterpreterSettings(url, credentials_for, time_scale=scale)).close)
        started.callback(start_events(EventSettings(url, credentials_for, time_scale=scale)).close)
        self.front_door = FrontDoor(
            create_moto_app(),
            self.credential_issuer.identify,
            PublicEndpoints(self.credential_issuer, lambda: datetime.now(UTC)),
        )
        self._http.serve(self.front_door)

    def stop(self) -> None:
        """End every execution and process, forget everything. Safe to call twice."""
        self._started.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def client(self, service: str) -> Any:
        """Return a boto3 client with the operator's credentials; the same one each time, safe to share."""
        return self._clients.get(service)

    def deploy(
        self,
        template: Path,
        *,
        stack_name: str = "model-tools",
        parameters: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, str]:
        """Create or update a stack from a SAM template and its folders; return its outputs when it can be used.

        Raises EmulatorError, which names the resource, when something cannot be made.
        """
        return self._stacks.deploy(template, stack_name=stack_name, parameters=parameters)

    def local_urls(self, stack_name: str = "model-tools") -> dict[str, str]:
        """Return the local URLs of a stack's functions and HTTP APIs, by the names of the outputs that hold their URLs.

        curl and browsers find the names by themselves; other clients may connect to 127.0.0.1 with the name as Host.
        """
        found = {name: local_url(value, self._http.port) for name, value in self._stacks.outputs(stack_name).items()}
        return {name: url for name, url in found.items() if url is not None}
