"""Which errors a Retry or Catch is for."""

import pytest

from emulator.step_functions.error_matching import matches


@pytest.mark.parametrize(
    ("names", "error", "expected"),
    [
        ({"ParityFailed"}, "ParityFailed", True),
        ({"ParityFailed"}, "TraceFailed", False),
        ({"States.ALL"}, "ParityFailed", True),
        ({"States.ALL"}, "States.Timeout", True),
        ({"States.ALL"}, None, True),
        ({"States.ALL"}, "States.Runtime", False),
        ({"States.ALL"}, "States.DataLimitExceeded", False),
        ({"States.TaskFailed"}, "ParityFailed", True),
        ({"States.TaskFailed"}, "States.Permissions", True),
        ({"States.TaskFailed"}, "States.Timeout", False),
        ({"States.Timeout"}, "States.HeartbeatTimeout", True),
        ({"States.HeartbeatTimeout"}, "States.Timeout", False),
    ],
)
def test_matching(names, error, expected):
    assert matches(names, error) is expected
