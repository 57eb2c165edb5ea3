"""Firing the schedules of EventBridge Scheduler and of rules. moto stores both and fires neither.

Periods and waits are divided by the emulator's time scale: at 60, `rate(5 minutes)` fires every five seconds, and
`at()` fires after a sixtieth of the time that was left when the schedule was made.
"""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from moto.events.models import EventsBackend, events_backends
from moto.scheduler.exceptions import ValidationException
from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule, scheduler_backends

from emulator.events.delivery import Delivery, service_of
from emulator.events.rules import deliveries_of
from emulator.events.schedule_expression import At, Rate, ScheduleExpressionError, parse_expression
from emulator.repairing import replace

logger = logging.getLogger("emulator.events")

_TARGET_SERVICES = ("lambda", "sqs", "states")
"""The services whose resources can be targets of schedules."""

_TICK_SECONDS = 0.05


@dataclass
class _Timer:
    """The next time that a schedule fires, on the monotonic clock; None when it never fires again."""

    expression: str
    next_at: float | None


class ScheduleRunner:
    """Checks every schedule some times a second, and sends the deliveries of those that are due."""

    def __init__(self, send: Callable[[Delivery], None], *, time_scale: float) -> None:
        self._send = send
        self._scale = time_scale
        self._timers: dict[str, _Timer] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="emulator-schedules", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop firing."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_TICK_SECONDS):
            try:
                self._tick()
            except Exception:
                logger.exception("the schedules could not be checked")

    def _tick(self) -> None:
        seen = set()
        for backend, schedule in _schedules():
            seen.add(schedule.arn)
            zone = schedule.schedule_expression_timezone
            ends = _seconds(schedule.end_date)
            enabled = schedule.state == "ENABLED" and (ends is None or time.time() < ends)
            if self._is_due(schedule.arn, schedule.schedule_expression, zone, enabled=enabled, at_once=True):
                self._send(delivery_of(schedule))
                self._forget_if_done(backend, schedule)
        for rule in _scheduled_rules():
            seen.add(rule.arn)
            enabled = rule.state == "ENABLED"
            if self._is_due(rule.arn, rule.scheduled_expression, "UTC", enabled=enabled, at_once=False):
                for delivery in deliveries_of(rule, scheduled_event(rule)):
                    self._send(delivery)
        for gone in set(self._timers) - seen:
            del self._timers[gone]

    def _is_due(self, arn: str, expression: str, zone: str, *, enabled: bool, at_once: bool) -> bool:
        if not enabled:
            self._timers.pop(arn, None)  # when it is enabled again, it begins anew
            return False
        timer = self._timers.get(arn)
        when = parse_expression(expression, zone)
        if timer is None or timer.expression != expression:
            timer = self._timers[arn] = _Timer(expression, self._first(when, at_once=at_once))
        if timer.next_at is None or time.monotonic() < timer.next_at:
            return False
        # The period begins now, not when the schedule was due: an emulator that slept must not fire in bursts.
        timer.next_at = time.monotonic() + when.seconds / self._scale if isinstance(when, Rate) else None
        return True

    def _first(self, when: Rate | At, *, at_once: bool) -> float | None:
        # A schedule with a rate fires when it is made, a rule after its first period.
        if isinstance(when, Rate):
            return time.monotonic() + (0 if at_once else when.seconds / self._scale)
        left = (when.moment - datetime.now(tz=UTC)).total_seconds()
        return time.monotonic() + left / self._scale if left > 0 else None

    @staticmethod
    def _forget_if_done(backend: EventBridgeSchedulerBackend, schedule: Schedule) -> None:
        once = schedule.schedule_expression.startswith("at(")
        if once and schedule.action_after_completion == "DELETE":
            backend.delete_schedule(schedule.group_name, schedule.name)


def _schedules() -> Iterator[tuple[EventBridgeSchedulerBackend, Schedule]]:
    for _, _, each in list(scheduler_backends.iter_backends()):
        backend = cast("EventBridgeSchedulerBackend", each)
        for group in list(backend.schedule_groups.values()):
            for schedule in list(group.schedules.values()):
                yield backend, schedule


def _scheduled_rules() -> Iterator[Any]:
    for _, _, backend in list(events_backends.iter_backends()):
        for bus in list(cast("EventsBackend", backend).event_buses.values()):
            yield from [rule for rule in list(bus.rules.values()) if rule.scheduled_expression]


def _seconds(moment: Any) -> float | None:
    if moment is None or isinstance(moment, int | float):
        return moment
    return datetime.fromisoformat(str(moment)).timestamp()


def delivery_of(schedule: Schedule) -> Delivery:
    """Return the delivery of a schedule: its input with the context attributes filled."""
    target = schedule.target
    now = datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    context = {
        "<aws.scheduler.schedule-arn>": schedule.arn,
        "<aws.scheduler.scheduled-time>": now,
        "<aws.scheduler.execution-id>": str(uuid.uuid4()),
        "<aws.scheduler.attempt-number>": "1",
    }
    payload = target.get("Input", "{}")
    for name, value in context.items():
        payload = payload.replace(name, value)
    return Delivery(f"schedule {schedule.name}", target["Arn"], payload, target["RoleArn"])


def scheduled_event(rule: Any) -> dict[str, Any]:
    """Return the event of a rule's schedule."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account_id,
        "time": datetime.now(tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
    }


def _check(schedule_expression: str, timezone: str | None, target: dict[str, Any], start_date: Any) -> None:
    try:
        parse_expression(schedule_expression, timezone or "UTC")
        json.loads(target.get("Input", "{}"))
    except ScheduleExpressionError as error:
        raise ValidationException(str(error)) from error
    except ValueError as error:
        raise ValidationException(f"Invalid request provided: Input must be JSON: {error}") from error
    if service_of(target["Arn"]) not in _TARGET_SERVICES:
        raise ValidationException(
            f"the emulator's schedules start {', '.join(_TARGET_SERVICES)} only, not {target['Arn']}"
        )
    if start_date is not None:
        raise ValidationException("the emulator's schedules know no StartDate: leave it out or use at()")


def repair() -> None:
    """Refuse schedules that the emulator would never fire when they are made."""
    for operation in ("create_schedule", "update_schedule"):
        _check_before(operation)
    keep = EventsBackend.put_rule

    def put_rule(self: EventsBackend, name: str, *, scheduled_expression: str | None = None, **rest: Any) -> Any:
        if scheduled_expression:
            try:
                parse_expression(scheduled_expression)
            except ScheduleExpressionError as error:
                raise ValidationException(str(error)) from error
        return keep(self, name, scheduled_expression=scheduled_expression, **rest)

    replace(EventsBackend, put_rule=put_rule)


def _check_before(operation: str) -> None:
    keep: Callable[..., Schedule] = getattr(EventBridgeSchedulerBackend, operation)

    def checked(self: EventBridgeSchedulerBackend, **arguments: Any) -> Schedule:
        _check(
            arguments["schedule_expression"],
            arguments["schedule_expression_timezone"],
            arguments["target"],
            arguments["start_date"],
        )
        # moto's update stores None for a state that is not given; such a schedule is neither on nor off.
        arguments["state"] = arguments["state"] or "ENABLED"
        return keep(self, **arguments)

    replace(EventBridgeSchedulerBackend, **{operation: checked})
