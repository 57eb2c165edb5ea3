"""Faults as runtimes report them."""

import pytest

from emulator.lambda_.runtime.invocation import RuntimeFault


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        pytest.param(
            b'{"errorType": "ValueError", "errorMessage": "no model"}', "ValueError: no model", id="type and message"
        ),
        pytest.param(b'{"errorMessage": "no model"}', "Runtime.Unknown: no model", id="message alone"),
        pytest.param(b"not json", "Runtime.Unknown: not json", id="no JSON"),
        pytest.param(b'"text"', "Runtime.Unknown: text", id="JSON text"),
    ],
)
def test_a_fault_is_summed_up_whatever_the_runtime_sent(body, summary):
    assert RuntimeFault("Runtime.Unknown", body).summary == summary
