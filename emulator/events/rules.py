"""Rules: matching events, and making the deliveries for their targets.

moto's rules answer 500 for state machines and functions, ignore DISABLED, `Input` and `InputPath`, and ignore every
transformation of S3's events. A rule that has only a schedule matches every event.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from moto.events.exceptions import ValidationException
from moto.events.models import EventsBackend, Rule
from moto.events.utils import EventMessageType

from emulator.events.delivery import TARGET_SERVICES, Delivery, service_of
from emulator.events.target_input import TargetInputError, target_input
from emulator.repairing import replace

logger = logging.getLogger("emulator.events")
_moto_send: Callable[..., None] = Rule.send_to_targets
_moto_put_targets = EventsBackend.put_targets


def event_time(moment: Any) -> str:
    """Return a time as events have it, e.g. `2026-01-31T09:30:00Z`."""
    if isinstance(moment, str):
        moment = float(moment) if moment.replace(".", "", 1).isdigit() else datetime.fromisoformat(moment).timestamp()
    return datetime.fromtimestamp(float(moment), tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deliveries_of(rule: Rule, event: dict[str, Any]) -> list[Delivery]:
    """Return the deliveries of a rule for an event that it matches. An input that cannot be made is logged."""
    made = []
    for target in rule.targets:
        if service_of(target["Arn"]) not in TARGET_SERVICES:
            continue
        try:
            payload = target_input(target, event, rule_arn=rule.arn)
        except TargetInputError as error:
            logger.error("rule %s: not delivered to %s: %s", rule.name, target["Arn"], error)  # noqa: TRY400
            continue
        made.append(Delivery(f"rule {rule.name}", target["Arn"], payload, target.get("RoleArn")))
    return made


def repair(send: Callable[[Delivery], None]) -> None:
    """Replace matching and delivery. `send` queues a delivery."""

    def send_to_targets(self: Rule, original_event: EventMessageType, transform_input: bool = True) -> None:  # noqa: FBT001, FBT002 - moto's signature
        if self.state == "DISABLED" or not self.event_pattern.get_pattern():
            return
        if not self.event_pattern.matches_event(original_event):
            return
        event: dict[str, Any] = {
            key: value for key, value in original_event.items() if key not in ("ingestion-time", "replay-name")
        }
        event["time"] = event_time(event["time"])
        for delivery in deliveries_of(self, event):
            send(delivery)
        _send_to_archives(self, original_event, transform_input=transform_input)

    replace(Rule, send_to_targets=send_to_targets)
    replace(EventsBackend, put_targets=_put_targets)


def _send_to_archives(rule: Rule, event: EventMessageType, *, transform_input: bool) -> None:
    """Let moto serve archives and other event buses."""
    own = [target for target in rule.targets if service_of(target["Arn"]) == "events"]
    if own:
        shadow = Rule.__new__(Rule)
        shadow.__dict__ = {**rule.__dict__, "targets": own}
        _moto_send(shadow, event, transform_input)


def _put_targets(self: EventsBackend, name: str, event_bus_arn: str | None, targets: list[dict[str, Any]]) -> None:
    for target in targets:
        service = service_of(target["Arn"])
        if service not in (*TARGET_SERVICES, "events"):
            raise ValidationException(
                f"Parameter {target['Arn']} is not valid. "
                f"Reason: the emulator delivers to {', '.join(TARGET_SERVICES)} only."
            )
        if service == "states" and "RoleArn" not in target:
            raise ValidationException(f"RoleArn is required for target {target['Arn']}.")
    _moto_put_targets(self, name, event_bus_arn, targets)
