"""The size of a state's input and output."""

from emulator.step_functions.payload_limit import MAX_BYTES, is_within_limit


def test_the_limit_is_exact():
    assert is_within_limit({"a": "é" * ((MAX_BYTES - 8) // 2)})
    assert not is_within_limit({"a": "é" * (MAX_BYTES // 2)})
