"""Invoke: from a request to an outcome, synchronously, asynchronously with retries, or as a dry run."""

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
from emulator.lambda_.control.aliases import Target, resolve
from emulator.lambda_.control.storage import EmulatedStorage
from emulator.lambda_.runtime.function_runtime import LambdaService
from emulator.lambda_.runtime.invocation import PAYLOAD_LIMIT, Invocation, Outcome

EVENT_LIMIT = 1024 * 1024  # bytes that an asynchronous invocation may carry
REFUSED_AGAIN = 0.5  # seconds until an asynchronous invocation that was refused is tried again
REFUSALS = 120
logger = logging.getLogger(__name__)


class Functions(Protocol):
    """The functions that can be invoked, and who runs them."""

    @property
    def storage(self) -> EmulatedStorage:
        """The functions."""

    @property
    def service(self) -> LambdaService:
        """Who runs them."""


@dataclass(frozen=True)
class Call:
    """A request to invoke, checked. `kind` is RequestResponse, Event or DryRun."""

    kind: str
    payload: bytes
    client_context: str | None

    @classmethod
    def parse(cls, body: bytes | str, headers: Mapping[str, str]) -> Self:
        """Raise what Lambda answers to a payload that is too large or no JSON."""
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
    backend: Functions, name: str, qualifier: str | None, call: Call, headers: MutableMapping[str, Any]
) -> bytes:
    """Do what the call says and return the response's payload; `headers` are the response's and get their values."""
    target = resolve(backend.storage, name, qualifier, random.random)
    if call.kind == "DryRun":
        return b""
    if call.kind == "Event":
        backend.service.start(lambda: _invoke_later(backend, name, qualifier, call))
        return b""
    outcome = run(backend, target, call, str(uuid.uuid4()))
    headers["x-amz-executed-version"] = str(target.function.version)
    headers["x-amz-log-result"] = base64.b64encode(outcome.log_tail).decode()
    if outcome.fault is not None:
        headers["x-amz-function-error"] = outcome.fault
    return outcome.payload


def run(backend: Functions, target: Target, call: Call, request_id: str) -> Outcome:
    """Run a call on its target, wait for the outcome, and count it."""
    function = target.function
    function.lifecycle.check_invocation(restores=function.restores)
    assert function.serving is not None  # noqa: S101 - an active function serves something
    invocation = Invocation(request_id, call.payload, target.invoked_arn, call.client_context)
    try:
        outcome = backend.service.invoke(function.serving, invocation)
    except TooManyRequests:
        invocation_metrics.record_throttle(target)
        raise
    invocation_metrics.record_invocation(target, duration_ms=outcome.duration_ms, failed=outcome.fault is not None)
    return outcome


async def _invoke_later(backend: Functions, name: str, qualifier: str | None, call: Call) -> None:
    """Run an event until it succeeds, its retries are used up, or the function stays unable to take it."""
    retries = list(_retry_delays(backend, name))
    refusals = REFUSALS
    request_id = str(uuid.uuid4())
    while True:
        try:
            target = resolve(backend.storage, name, qualifier, random.random)
            outcome = await asyncio.to_thread(run, backend, target, call, request_id)
        except LambdaClientError as refusal:  # throttled, or not ready yet: this is no attempt
            refusals -= 1
            if not refusals:
                logger.warning("an event for %s was dropped: %s", name, refusal.message)
                return
            await asyncio.sleep(REFUSED_AGAIN)
            continue
        if outcome.fault is None or not retries:
            return
        await asyncio.sleep(retries.pop(0))


def _retry_delays(backend: Functions, name: str) -> tuple[float, ...]:
    function = backend.storage.function(name)
    delays = backend.service.settings.async_retry_delays
    if function.event_invoke_config:
        return delays[: function.event_invoke_config[-1].config.get("MaximumRetryAttempts", len(delays))]
    return delays
