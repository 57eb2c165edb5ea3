"""What a function costs, and the table that says so."""

import re

import pytest

from model_tools.planning.cost import cost_of
from model_tools.planning.prices import TABLE, RegionUnknown, prices_of


def test_two_gigabytes_of_snapshot_cost_what_the_price_list_says() -> None:
    cost = cost_of(2048, 10, prices_of("us-east-1"))

    assert cost.snapshot_month == pytest.approx(2 * 730 * 3600 * 0.0000015046)  # 7.91
    assert cost.restore == pytest.approx(0.0002795996)


def test_a_million_requests_cost_their_number_and_their_time() -> None:
    cost = cost_of(2048, 100, prices_of("us-east-1"))

    assert cost.billed_ms == 100
    assert cost.million_requests == pytest.approx(0.20 + 2 * 0.1 * 0.0000166667 * 1_000_000)


def test_a_begun_millisecond_is_billed() -> None:
    assert cost_of(2048, 10.01, prices_of("us-east-1")).billed_ms == 11


def test_less_than_a_processor_takes_longer() -> None:
    assert cost_of(1769, 10, prices_of("us-east-1")).billed_ms == 10
    assert cost_of(884, 10, prices_of("us-east-1")).billed_ms == 21


def test_a_price_that_is_not_known_is_not_made_up() -> None:
    cost = cost_of(2048, 100, prices_of("eu-central-1"))

    assert (cost.snapshot_month, cost.restore) == (None, None)
    assert cost.million_requests > 0.20


def test_a_region_without_prices_is_told_which_have_some() -> None:
    with pytest.raises(RegionUnknown, match=r"'mars-north-1'.*ap-southeast-2, eu-central-1, .*us-east-1"):
        prices_of("mars-north-1")


def test_every_row_has_a_date_and_a_source() -> None:
    assert len({prices.region for prices in TABLE}) == len(TABLE)
    for prices in TABLE:
        assert re.fullmatch(r"2026-\d\d-\d\d", prices.as_of), prices.region
        assert "https://aws.amazon.com/lambda/pricing/" in prices.source
        assert (prices.cached_gb_second is None) == (prices.restored_gb is None)
