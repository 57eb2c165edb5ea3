"""The names of functions in requests."""

import pytest

from emulator.lambda_.api_errors import InvalidParameterValue
from emulator.lambda_.control.names import split_name


@pytest.mark.parametrize(
    ("given", "qualifier", "expected"),
    [
        ("f", None, ("f", None)),
        ("f", "live", ("f", "live")),
        ("f:live", None, ("f", "live")),
        ("f:live", "live", ("f", "live")),
        ("123456789012:function:f", None, ("f", None)),
        ("arn:aws:lambda:us-east-1:123456789012:function:f", None, ("f", None)),
        ("arn:aws:lambda:us-east-1:123456789012:function:f:3", None, ("f", "3")),
        ("arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST", None, ("f", "$LATEST")),
    ],
)
def test_every_way_to_name_a_function(given, qualifier, expected):
    assert split_name(given, qualifier) == expected


def test_two_qualifiers_that_differ_are_refused():
    with pytest.raises(InvalidParameterValue, match="does not match"):
        split_name("f:live", "other")
