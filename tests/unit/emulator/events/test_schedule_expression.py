"""Schedule expressions, with their time zones."""

from datetime import timedelta

import pytest

from emulator.events.schedule_expression import At, Rate, ScheduleExpressionError, parse_expression


def test_expressions():
    assert parse_expression("rate(5 minutes)") == Rate(300)
    at = parse_expression("at(2026-07-01T09:30:00)", "Europe/Berlin")
    assert isinstance(at, At)
    assert at.moment.utcoffset() == timedelta(hours=2)
    for wrong in ("rate(0 minutes)", "rate(5)", "at(tomorrow)", "cron(* * * * ? *)"):
        with pytest.raises(ScheduleExpressionError):
            parse_expression(wrong)
