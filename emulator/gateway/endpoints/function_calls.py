"""Invoking a function for a request: through its alias, counted and logged as every invocation."""

import json
import random
from typing import Any

from moto.awslambda.models import lambda_backends

from emulator.account import ACCOUNT_ID, REGION
from emulator.lambda_.control.aliases import resolve
from emulator.lambda_.control.backend import EmulatedBackend
from emulator.lambda_.control.invoke import InvokeRequest, run
from emulator.lambda_.control.names import split_name
from emulator.lambda_.runtime.invocation import InvocationOutcome


def lambda_backend() -> EmulatedBackend:
    """Return the backend of the account's functions."""
    backend = lambda_backends[ACCOUNT_ID][REGION]
    assert isinstance(backend, EmulatedBackend)  # noqa: S101 - start_lambda puts it there
    return backend


def call_function(name_or_arn: str, qualifier: str | None, event: dict[str, Any], request_id: str) -> InvocationOutcome:
    """Invoke a function and wait for the outcome; raises LambdaClientError when Lambda refuses."""
    backend = lambda_backend()
    name, qualifier = split_name(name_or_arn, qualifier)
    call = InvokeRequest.parse(json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode(), {})
    return run(backend, resolve(backend.storage, name, qualifier, random.random), call, request_id)
