"""Pages of Lambda's lists."""

import pytest

from emulator.lambda_.api_errors import InvalidParameterValue
from emulator.lambda_.control.paging import page_of


def test_pages_follow_one_another_to_the_end():
    items, seen, marker = list(range(120)), [], None
    while True:
        page, marker = page_of(items, marker, None)
        seen += page
        assert len(page) <= 50
        if marker is None:
            break

    assert seen == items


def test_a_marker_that_nobody_gave_is_refused():
    with pytest.raises(InvalidParameterValue, match="NextMarker"):
        page_of([1, 2], "next!", "1")
