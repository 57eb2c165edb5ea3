"""Starting and stopping the delivery of events."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

from botocore.config import Config

from emulator.clients import Clients
from emulator.events import object_events, rules, schedules
from emulator.events.delivery import Delivery, DeliveryQueue
from emulator.events.schedules import ScheduleRunner
from emulator.iam import CredentialsFor


@dataclass(frozen=True)
class EventSettings:
    """Everything that the service needs from outside."""

    endpoint_url: str
    credentials_for: CredentialsFor
    time_scale: float = 1.0


class EventBridge:
    """Running rules and schedules. After `close()` no thread is left."""

    _current: ClassVar["EventBridge | None"] = None

    def __init__(self, settings: EventSettings) -> None:
        self._clients = Clients(
            endpoint_url=settings.endpoint_url,
            credentials_for=settings.credentials_for,
            session_name="EventBridge",
            config=Config(retries={"total_max_attempts": 3, "mode": "standard"}),
        )
        self._courier = DeliveryQueue(self._clients.get)
        self._clock = ScheduleRunner(self._courier.send, time_scale=settings.time_scale)
        EventBridge._current = self

    def close(self) -> None:
        """Stop schedules and deliveries. Safe to call twice."""
        if EventBridge._current is not self:
            return
        EventBridge._current = None
        self._clock.close()
        self._courier.close()
        self._clients.close()

    @classmethod
    def send(cls, delivery: Delivery) -> None:
        """Queue a delivery in the service that runs. It is dropped when none runs."""
        if cls._current is not None:
            cls._current._courier.send(delivery)


@cache
def _repair_moto() -> None:
    rules.repair(EventBridge.send)
    object_events.repair()
    schedules.repair()


def start_events(settings: EventSettings) -> EventBridge:
    """Repair moto's EventBridge and Scheduler, once a process, and start to deliver."""
    _repair_moto()
    return EventBridge(settings)
