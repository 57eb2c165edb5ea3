"""Delivering events to targets, in a thread of its own, so that the call that causes an event does not wait."""

import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

logger = logging.getLogger("emulator.events")

ClientFor = Callable[[str, str | None], Any]
"""Returns a boto3 client of a service that calls as a role. Without a role the operator calls for EventBridge."""


@dataclass(frozen=True)
class Delivery:
    """One payload for one target. `sender` names the rule or the schedule in the log."""

    sender: str
    target_arn: str
    payload: str
    role_arn: str | None = None


def service_of(arn: str) -> str:
    """Return the service that an ARN names; empty text when it is not an ARN."""
    parts = arn.split(":")
    return parts[2] if arn.startswith("arn:") and len(parts) > 5 else ""  # noqa: PLR2004 - an ARN has six parts


class DeliveryQueue:
    """Delivers in the order of arrival until it is closed."""

    def __init__(self, client_for: ClientFor) -> None:
        self._client_for = client_for
        self._queue: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="emulator-events", daemon=True)
        self._thread.start()

    def send(self, delivery: Delivery) -> None:
        """Queue a delivery and return at once."""
        self._queue.put(delivery)

    def close(self) -> None:
        """Finish the present delivery, drop those in the queue, and stop."""
        while not self._queue.empty():
            self._queue.get_nowait()
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (delivery := self._queue.get()) is not None:
            try:
                _TARGETS[service_of(delivery.target_arn)](self._client_for, delivery)
            except (BotoCoreError, ClientError, ValueError) as error:
                logger.error("%s: not delivered to %s: %s", delivery.sender, delivery.target_arn, error)  # noqa: TRY400
            except Exception:
                logger.exception("%s: not delivered to %s", delivery.sender, delivery.target_arn)


def _start_execution(client_for: ClientFor, delivery: Delivery) -> None:
    if delivery.role_arn is None:
        raise ValueError("a state machine is started as a role: give the target a RoleArn")
    client_for("stepfunctions", delivery.role_arn).start_execution(
        stateMachineArn=delivery.target_arn, name=str(uuid.uuid4()), input=delivery.payload
    )


def _invoke_function(client_for: ClientFor, delivery: Delivery) -> None:
    client_for("lambda", delivery.role_arn).invoke(
        FunctionName=delivery.target_arn, InvocationType="Event", Payload=delivery.payload.encode()
    )


def _send_message(client_for: ClientFor, delivery: Delivery) -> None:
    client = client_for("sqs", delivery.role_arn)
    url = client.get_queue_url(QueueName=delivery.target_arn.rsplit(":", 1)[1])["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody=delivery.payload)


def _publish(client_for: ClientFor, delivery: Delivery) -> None:
    client_for("sns", delivery.role_arn).publish(TopicArn=delivery.target_arn, Message=delivery.payload)


def _write_log(client_for: ClientFor, delivery: Delivery) -> None:
    client = client_for("logs", delivery.role_arn)
    group, stream = delivery.target_arn.split(":log-group:")[1].removesuffix(":*"), str(uuid.uuid4())
    client.create_log_stream(logGroupName=group, logStreamName=stream)
    client.put_log_events(
        logGroupName=group,
        logStreamName=stream,
        logEvents=[{"timestamp": int(time.time() * 1000), "message": delivery.payload}],
    )


_TARGETS: dict[str, Callable[[ClientFor, Delivery], None]] = {
    "lambda": _invoke_function,
    "logs": _write_log,
    "sns": _publish,
    "sqs": _send_message,
    "states": _start_execution,
}
TARGET_SERVICES = tuple(_TARGETS)
"""The services whose resources can be targets of rules."""
