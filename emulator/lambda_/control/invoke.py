"""Lambda's Invoke: synchronous, asynchronous with retries, or a dry run."""

import asyncio
import base64
import binascii
import json
import logging
import random
import uuid
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

from moto.awslambda.exceptions import LambdaClientError

from emulator.lambda_.api_errors import InvalidRequestContent, RequestTooLarge, TooManyRequests
from emulator.lambda_.control import invocation_metrics
from emulator.lambda_.control.aliases import InvocationTarget, resolve
from emulator.lambda_.control.storage import EmulatedStorage
from emulator.lambda_.runtime.function_runtime import FunctionRuntime
from emulator.lambda_.runtime.invocation import PAYLOAD_LIMIT, Invocation, InvocationOutcome

EVENT_LIMIT = 1024 * 1024
"""Bytes in the payload of an asynchronous invocation."""

REFUSAL_PAUSE_SECONDS = 0.5
"""The pause after an asynchronous invocation was throttled or the function was not ready."""

MAX_REFUSALS = 120
"""The number of refusals after which an event is dropped."""

logger = logging.getLogger(__name__)


class FunctionBackend(Protocol):
    """The part of a backend that invoking needs."""

    @property
    def storage(self) -> EmulatedStorage:
        """The functions that can be invoked."""

    @property
    def function_runtime(self) -> FunctionRuntime:
        """The runtime that runs them."""


@dataclass(frozen=True)
class InvokeRequest:
    """A checked request to invoke. `kind` is RequestResponse, Event or DryRun."""

    kind: str
    payload: bytes
    client_context: str | None

    @classmethod
    def parse(cls, body: bytes | str, headers: Mapping[str, str]) -> Self:
        """Return the request; raises Lambda's error for a payload that is too large or not JSON."""
        given = {name.lower(): value for name, value in headers.items()}
        kind = given.get("x-amz-invocation-type") or "RequestResponse"
        payload = body.encode() if isinstance(body, str) else body
        limit = EVENT_LIMIT if kind == "Event" else PAYLOAD_LIMIT
        if len(payload) > limit:
            raise RequestTooLarge(len(payload), kind, limit)
        try:
            json.loads(payload or b"{}")
            context = base64.b64decode(given.get("x-amz-client-context", "")).decode() or None
        except (ValueError, binascii.Error) as error:
            raise InvalidRequestContent(str(error)) from error
        return cls(kind, payload or b"{}", context)


def invoke(
    backend: FunctionBackend, name: str, qualifier: str | None, call: InvokeRequest, headers: MutableMapping[str, Any]
) -> bytes:
    """Run a request and return the payload of the response. The response's headers are added to `headers`."""
    target = resolve(backend.storage, name, qualifier, random.random)
    if call.kind == "DryRun":
        return b""
    if call.kind == "Event":
        backend.function_runtime.start(lambda: _invoke_later(backend, name, qualifier, call))
        return b""
    outcome = run(backend, target, call, str(uuid.uuid4()))
    headers["x-amz-executed-version"] = str(target.function.version)
    headers["x-amz-log-result"] = base64.b64encode(outcome.log_tail).decode()
    if outcome.fault is not None:
        headers["x-amz-function-error"] = outcome.fault
    return outcome.payload


def run(backend: FunctionBackend, target: InvocationTarget, call: InvokeRequest, request_id: str) -> InvocationOutcome:
    """Run a request on its target, wait for the outcome, and count it in the metrics."""
    function = target.function
    function.lifecycle.check_invocation(restores=function.restores)
    assert function.serving is not None  # noqa: S101 - an active function serves something
    invocation = Invocation(request_id, call.payload, target.invoked_arn, call.client_context)
    try:
        outcome = backend.function_runtime.invoke(function.serving, invocation)
    except TooManyRequests:
        invocation_metrics.record_throttle(target)
        raise
    invocation_metrics.record_invocation(target, duration_ms=outcome.duration_ms, failed=outcome.fault is not None)
    return outcome


async def _invoke_later(backend: FunctionBackend, name: str, qualifier: str | None, call: InvokeRequest) -> None:
    """Run an event until it succeeds, its retries are used up, or Lambda has refused it MAX_REFUSALS times."""
    retries = list(_retry_delays(backend, name))
    refusals = MAX_REFUSALS
    request_id = str(uuid.uuid4())
    while True:
        try:
            target = resolve(backend.storage, name, qualifier, random.random)
            outcome = await asyncio.to_thread(run, backend, target, call, request_id)
        except LambdaClientError as refusal:  # throttled or not ready: it does not count as an attempt
            refusals -= 1
            if not refusals:
                logger.warning("an event for %s was dropped: %s", name, refusal.message)
                return
            await asyncio.sleep(REFUSAL_PAUSE_SECONDS)
            continue
        if outcome.fault is None or not retries:
            return
        await asyncio.sleep(retries.pop(0))


def _retry_delays(backend: FunctionBackend, name: str) -> tuple[float, ...]:
    function = backend.storage.function(name)
    delays = backend.function_runtime.settings.async_retry_delays
    if function.event_invoke_config:
        return delays[: function.event_invoke_config[-1].config.get("MaximumRetryAttempts", len(delays))]
    return delays
