"""Writing log events into moto's CloudWatch Logs."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from moto.logs.models import logs_backends

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LogGroup:
    """A log group of one account in one region."""

    account_id: str
    region: str
    name: str


@dataclass(frozen=True)
class LogEvent:
    """One message. `timestamp` is in milliseconds since the epoch."""

    timestamp: int
    message: str


class LogWriter:
    """Writes batches in order, in one thread of its own: a subscription filter may make a write slow."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="emulator-logs")

    def write(self, group: LogGroup, stream: str, events: Sequence[LogEvent]) -> asyncio.Future[None]:
        """Append events to a stream. The group and the stream are made when they do not exist."""
        return asyncio.wrap_future(self._thread.submit(self._put, group, stream, events))

    def close(self) -> None:
        """Write all queued batches, then stop."""
        self._thread.shutdown()

    @staticmethod
    def _put(group: LogGroup, stream: str, events: Sequence[LogEvent]) -> None:
        try:
            backend = logs_backends[group.account_id][group.region]
            backend.ensure_log_group(group.name)
            backend.ensure_log_stream(group.name, stream)
            if events:
                backend.put_log_events(
                    group.name, stream, [{"timestamp": event.timestamp, "message": event.message} for event in events]
                )
        except Exception:  # a function must not fail because its log cannot be written
            logger.exception("events for the log stream %s of %s were lost", stream, group.name)
