"""Schedules and rules with a rate fire in scaled time."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.emulator.machines import PASS, ROLE, create, first_input, inputs_of
from tests.support.emulator.waiting import wait_until


def schedule(aws, name, expression, machine, *, given="{}", **fields):
    aws.client("scheduler").create_schedule(
        Name=name,
        ScheduleExpression=expression,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": ROLE, "Input": given},
        **fields,
    )


def test_a_rate_fires_again_and_again_in_scaled_time(aws, machine):
    schedule(aws, "often", "rate(1 minute)", machine, given='{"at": "<aws.scheduler.scheduled-time>"}')
    seen = wait_until(lambda: len(inputs_of(aws, machine)) >= 2 and inputs_of(aws, machine), "two executions")
    aws.client("scheduler").delete_schedule(Name="often")
    assert all(datetime.fromisoformat(given["at"]) for given in seen)


def test_at_fires_once_and_may_take_its_schedule_away(aws, machine):
    moment = (datetime.now(tz=UTC) + timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S")
    schedule(aws, "once", f"at({moment})", machine, ActionAfterCompletion="DELETE")
    first_input(aws, machine)
    scheduler = aws.client("scheduler")
    wait_until(lambda: "once" not in [s["Name"] for s in scheduler.list_schedules()["Schedules"]], "the deletion")
    assert len(inputs_of(aws, machine)) == 1


def test_a_disabled_schedule_does_not_fire_until_it_is_enabled(aws, machine):
    other = create(aws, PASS)
    schedule(aws, "sleeps", "rate(1 minute)", machine, State="DISABLED")
    schedule(aws, "wakes", "rate(1 minute)", other)
    wait_until(lambda: len(inputs_of(aws, other)) >= 2, "two executions of the other")
    assert inputs_of(aws, machine) == []
    scheduler = aws.client("scheduler")
    scheduler.update_schedule(
        Name="sleeps",
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": machine, "RoleArn": ROLE},
    )
    first_input(aws, machine)
    for name in ("sleeps", "wakes"):
        scheduler.delete_schedule(Name=name)


@pytest.mark.parametrize(
    ("expression", "message"),
    [("cron(0 9 * * ? *)", "does not fire cron"), ("every day", "Invalid Schedule Expression")],
)
def test_a_schedule_that_would_never_fire_is_refused(aws, events, machine, expression, message):
    with pytest.raises(aws.client("scheduler").exceptions.ValidationException, match=message):
        schedule(aws, "never", expression, machine)
    with pytest.raises(events.exceptions.ClientError, match=r"ValidationException"):
        events.put_rule(Name="never", ScheduleExpression=expression)


def test_a_rule_with_a_rate_fires(aws, events, machine):
    events.put_rule(Name="ticks", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="ticks", Targets=[{"Id": "1", "Arn": machine, "RoleArn": ROLE}])
    assert first_input(aws, machine)["detail-type"] == "Scheduled Event"
    events.remove_targets(Rule="ticks", Ids=["1"])
    events.delete_rule(Name="ticks")
