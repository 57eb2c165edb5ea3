"""The interpreter calls other services as the state machine's role, through the emulator's front door.

moto creates an anonymous client for `localhost` at each call: slow, and nobody could tell who calls.
"""

import threading
from typing import Any

from botocore.config import Config
from moto.stepfunctions.parser.asl.utils import boto_client

from emulator.clients import Clients
from emulator.repairing import replace_imported
from emulator.step_functions.settings import InterpreterSettings

_READ_TIMEOUT_SECONDS = 24 * 60 * 60  # the task's own timeout ends a call, not the connection's
# Parameters are checked when a definition is linted, and by the service itself; moto's interpreter passes them as
# they are. One attempt: the definition's Retry decides, as it would for a fault that an SDK does not repeat.
_CONFIG = Config(
    parameter_validation=False,
    retries={"total_max_attempts": 1},
    connect_timeout=10,
    read_timeout=_READ_TIMEOUT_SECONDS,
    max_pool_connections=100,
)

_of_settings: dict[InterpreterSettings, Clients] = {}
_lock = threading.Lock()


def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    """Return a shared client of the state's role; of the operator where moto names no role."""
    settings = InterpreterSettings.current()
    with _lock:
        if settings not in _of_settings:
            _of_settings[settings] = Clients(
                endpoint_url=settings.endpoint_url,
                credentials_for=settings.credentials_for,
                session_name="StepFunctions",
                config=_CONFIG,
            )
        clients = _of_settings[settings]
    role_arn = state_credentials.role_arn if state_credentials is not None else None
    return clients.get(service, role_arn, region=region)


def forget() -> None:
    """Close the clients of an emulator that has stopped."""
    with _lock:
        for clients in _of_settings.values():
            clients.close()
        _of_settings.clear()


def repair() -> None:
    """Replace moto's function wherever it was imported to."""
    replace_imported("moto.stepfunctions", boto_client, "boto_client_for", client_for)
