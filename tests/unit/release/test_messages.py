"""The words of the workflow's own errors are those that the documentation quotes."""

from pathlib import Path

import pytest

from model_tools.release import messages

ERRORS_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"
MESSAGES = {
    "AliasChanged": messages.alias_is_gone("FUNCTION", "live"),
    "FunctionChanged": messages.FUNCTION_CHANGED,
    "FunctionUpdateFailed": messages.FUNCTION_UPDATE_FAILED,
    "LeaseLost": messages.LEASE_LOST,
    "SnapshotFailed": messages.snapshot_failed("FUNCTION"),
    "a timeout": messages.TIMED_OUT,
    "no cause": messages.NO_CAUSE,
    "a retraining": messages.RETRAINING_TIMED_OUT,
    "traffic": messages.traffic_is_not_back("FUNCTION", "live"),
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=list(MESSAGES))
def test_the_page_of_errors_quotes_it(message: str) -> None:
    quoted = " ".join(ERRORS_PAGE.read_text().replace("\n> ", " ").split())

    assert message.replace("{}", "…") in quoted


def test_no_message_of_the_module_is_left_out() -> None:
    constants = [value for name, value in vars(messages).items() if name.isupper()]

    assert set(constants) <= set(MESSAGES.values())
