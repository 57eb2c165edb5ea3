"""Which errors a Retry or Catch is for."""

import pytest

from emulator.step_functions.error_matching import matches


@pytest.mark.parametrize(
    ("names", "error", "expected"),
    [
        pytest.param({"ParityFailed"}, "ParityFailed", True, id="same name"),
        pytest.param({"ParityFailed"}, "TraceFailed", False, id="another name"),
        pytest.param({"States.ALL"}, "ParityFailed", True, id="ALL"),
        pytest.param({"States.ALL"}, "States.Timeout", True, id="ALL of a timeout"),
        pytest.param({"States.ALL"}, None, True, id="ALL of no name"),
        pytest.param({"States.ALL"}, "States.Runtime", False, id="ALL without Runtime"),
        pytest.param({"States.ALL"}, "States.DataLimitExceeded", False, id="ALL without DataLimitExceeded"),
        pytest.param({"States.TaskFailed"}, "ParityFailed", True, id="TaskFailed"),
        pytest.param({"States.TaskFailed"}, "States.Permissions", True, id="TaskFailed of Permissions"),
        pytest.param({"States.TaskFailed"}, "States.Timeout", False, id="TaskFailed without Timeout"),
        pytest.param({"States.Timeout"}, "States.HeartbeatTimeout", True, id="Timeout of HeartbeatTimeout"),
        pytest.param({"States.HeartbeatTimeout"}, "States.Timeout", False, id="HeartbeatTimeout without Timeout"),
    ],
)
def test_matching(names, error, expected):
    assert matches(names, error) is expected
