"""Marker and MaxItems of Lambda's list calls. Pure."""

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from emulator.lambda_.api_errors import InvalidParameterValue

T = TypeVar("T")

LARGEST_PAGE = 50
"""The number of items that AWS gives at most, whatever MaxItems says."""


def page_of(items: Sequence[T], marker: str | None, max_items: str | None) -> tuple[Sequence[T], str | None]:
    """Return one page and the marker of the next page. The marker is None after the last page."""
    size = min(int(max_items or LARGEST_PAGE), LARGEST_PAGE)
    try:
        start = int(base64.b64decode(marker, validate=True)) if marker else 0
    except (binascii.Error, ValueError) as error:
        raise InvalidParameterValue(f"Invalid Marker {marker!r}: use the NextMarker of the page before") from error
    rest = start + size
    return items[start:rest], base64.b64encode(str(rest).encode()).decode() if rest < len(items) else None
