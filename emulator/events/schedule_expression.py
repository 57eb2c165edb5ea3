"""Schedule expressions: `rate(5 minutes)` and `at(2026-01-31T09:30:00)`."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_RATE = re.compile(r"rate\((\d+) (second|minute|hour|day|week)s?\)")
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


class ScheduleExpressionError(ValueError):
    """The expression is wrong, or the emulator cannot serve it."""


@dataclass(frozen=True)
class Rate:
    """Fires again and again, with a fixed period."""

    seconds: float


@dataclass(frozen=True)
class At:
    """Fires once, at a fixed time."""

    moment: datetime


def parse_expression(text: str, timezone: str = "UTC") -> Rate | At:
    """Return the schedule of an expression; raises ScheduleExpressionError for `cron()` and for a wrong expression."""
    if rate := _RATE.fullmatch(text):
        seconds = int(rate[1]) * _SECONDS[rate[2]]
        if seconds > 0:
            return Rate(seconds)
    if at := _AT.fullmatch(text):
        try:
            return At(datetime.fromisoformat(at[1]).replace(tzinfo=ZoneInfo(timezone)))
        except (ValueError, ZoneInfoNotFoundError) as error:
            raise ScheduleExpressionError(f"Invalid Schedule Expression {text} in {timezone}: {error}") from error
    if text.startswith("cron("):
        raise ScheduleExpressionError(f"the emulator does not fire {text}: use rate() or at()")
    raise ScheduleExpressionError(f"Invalid Schedule Expression {text}.")
