"""Faults as runtimes report them."""

import pytest

from emulator.lambda_.runtime.invocation import RuntimeFault


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
