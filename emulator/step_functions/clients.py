"""The clients of the interpreter, which calls other services as the state machine's role.

moto creates a client without credentials at each call, which is slow and hides the caller.
"""

import threading
from typing import Any

from botocore.config import Config
from moto.stepfunctions.parser.asl.utils import boto_client

from emulator.clients import Clients
from emulator.repairing import replace_imported
from emulator.step_functions.settings import InterpreterSettings

_READ_TIMEOUT_SECONDS = 24 * 60 * 60
"""A call ends by the timeout of its task, not by that of the connection."""

_CONFIG = Config(
    parameter_validation=False,
    retries={"total_max_attempts": 1},
    connect_timeout=10,
    read_timeout=_READ_TIMEOUT_SECONDS,
    max_pool_connections=100,
)
"""The service itself checks the parameters. There is one attempt, since the definition's Retry decides about others."""

_clients_by_settings: dict[InterpreterSettings, Clients] = {}
_lock = threading.Lock()


def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
    """Return a shared client that calls as the state's role, or as the operator where moto names no role."""
    settings = InterpreterSettings.current()
    with _lock:
        if settings not in _clients_by_settings:
            _clients_by_settings[settings] = Clients(
                endpoint_url=settings.endpoint_url,
                credentials_for=settings.credentials_for,
                session_name="StepFunctions",
                config=_CONFIG,
            )
        clients = _clients_by_settings[settings]
    role_arn = state_credentials.role_arn if state_credentials is not None else None
    return clients.get(service, role_arn, region=region)


def forget() -> None:
    """Close the clients of an emulator that has stopped."""
    with _lock:
        for clients in _clients_by_settings.values():
            clients.close()
        _clients_by_settings.clear()


def repair() -> None:
    """Replace moto's function in every module that has imported it."""
    replace_imported("moto.stepfunctions", boto_client, "boto_client_for", client_for)
