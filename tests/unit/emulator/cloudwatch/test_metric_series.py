"""Selecting and summing up metric data by periods."""

import pytest

from emulator.cloudwatch.metric_series import DataPoint, group_by_period, statistic


def value(at: float, value: float = 1.0) -> DataPoint:
    return DataPoint(at, value, value, value)


def test_periods_begin_at_their_multiples_whenever_the_query_begins():
    grouped = group_by_period([value(61), value(119), value(130)], start=0, end=1000, period=60)

    assert {at: len(data) for at, data in grouped.items()} == {60: 2, 120: 1}


def test_a_start_inside_a_minute_takes_the_whole_minute():
    assert group_by_period([value(59), value(61)], start=90, end=1000, period=60) == {60: [value(61)]}


def test_what_was_counted_a_moment_ago_is_there_though_the_query_ends_now():
    assert group_by_period([value(125.9)], start=0, end=125.5, period=60) == {120: [value(125.9)]}


def test_a_short_period_is_kept_by_the_second():
    assert list(group_by_period([value(10.5), value(11.5)], start=10.9, end=100, period=1)) == [10, 11]


def test_long_periods_gather_their_minutes():
    assert {
        at: len(data) for at, data in group_by_period(map(value, (0, 299, 300)), start=0, end=900, period=300).items()
    } == {
        0: 2,
        300: 1,
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Sum", 10), ("SampleCount", 4), ("Average", 2.5), ("Minimum", 1), ("Maximum", 4), ("p0", 1), ("p50", 2.5),
     ("p99.9", 3.997), ("p100", 4)],
)  # fmt: skip
def test_statistics_of_single_values(name, expected):
    assert statistic(name, [value(0, each) for each in (4, 1, 3, 2)]) == pytest.approx(expected)


def test_statistics_of_values_that_were_summed_up_before():
    data = [DataPoint(0, total=10, smallest=1, largest=6, count=4), DataPoint(0, total=2, smallest=2, largest=2)]

    assert statistic("Average", data) == pytest.approx(12 / 5)
    assert statistic("Minimum", data) == 1
    assert statistic("SampleCount", data) == 5


def test_an_unknown_statistic_names_those_that_are_known():
    with pytest.raises(ValueError, match="TM99 is not known: use Sum"):
        statistic("TM99", [value(0)])
