"""Invoking a function for a request: through its alias, counted and logged as any invocation."""

import json
import random
from typing import Any

from moto.awslambda.models import lambda_backends

from emulator.account import ACCOUNT_ID, REGION
from emulator.lambda_.control.aliases import resolve
from emulator.lambda_.control.backend import EmulatedBackend
from emulator.lambda_.control.invoke import Call, run
from emulator.lambda_.control.names import split_name
from emulator.lambda_.runtime.invocation import Outcome


def functions() -> EmulatedBackend:
    """Return the account's functions."""
    backend = lambda_backends[ACCOUNT_ID][REGION]
    assert isinstance(backend, EmulatedBackend)  # noqa: S101 - the emulator installs it
    return backend


def call_function(name_or_arn: str, qualifier: str | None, event: dict[str, Any], request_id: str) -> Outcome:
    """Invoke a function and wait; raises what Lambda refuses it with (LambdaClientError)."""
    backend = functions()
    name, qualifier = split_name(name_or_arn, qualifier)
    call = Call.parse(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode(), {})
    return run(backend, resolve(backend.storage, name, qualifier, random.random), call, request_id)
