"""Names, pages and log lines: the small pure parts of the Lambda service."""

import json

import pytest

from emulator.lambda_.api_errors import InvalidParameterValue
from emulator.lambda_.control.names import split_name
from emulator.lambda_.control.paging import page_of
from emulator.lambda_.runtime.invocation import RuntimeFault
from emulator.lambda_.runtime.log_lines import InvocationReport, end_lines
from emulator.lambda_.runtime.processes import describe_exit


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


@pytest.mark.parametrize(("code", "words"), [(3, "exit status 3"), (-9, "signal: killed"), (-1, "signal: SIGHUP")])
def test_exits_in_lambdas_words(code, words):
    assert describe_exit(code) == words


def test_a_report_says_what_happened_and_nothing_else():
    plain = InvocationReport("r", duration_ms=12.344, memory_mb=128, peak_mb=40)
    restored = InvocationReport("r", 1.2, 128, 40, restore_ms=30.1, status="error", error_type="Runtime.ExitError")

    assert end_lines(plain, "Text") == (
        "END RequestId: r",
        "REPORT RequestId: r\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\tMax Memory Used: 40 MB",
    )
    assert end_lines(restored, "Text")[1].endswith(
        "\tRestore Duration: 30.10 ms\tBilled Restore Duration: 31 ms\tStatus: error\tError Type: Runtime.ExitError"
    )
    assert json.loads(end_lines(plain, "JSON")[0])["record"] == {
        "requestId": "r",
        "status": "success",
        "metrics": {"durationMs": 12.344, "billedDurationMs": 13, "memorySizeMB": 128, "maxMemoryUsedMB": 40},
    }


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        (b'{"errorType": "ValueError", "errorMessage": "no model"}', "ValueError: no model"),
        (b'{"errorMessage": "no model"}', "Runtime.Unknown: no model"),
        (b"not json", "Runtime.Unknown: not json"),
        (b'"text"', "Runtime.Unknown: text"),
    ],
)
def test_a_fault_is_summed_up_whatever_the_runtime_sent(body, summary):
    assert RuntimeFault("Runtime.Unknown", body).summary == summary
