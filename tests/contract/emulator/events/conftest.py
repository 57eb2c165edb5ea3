import pytest

from tests.support.emulator.machines import PASS, create


@pytest.fixture
def events(aws):
    return aws.client("events")


@pytest.fixture
def machine(aws):
    """A state machine of the test's own that does nothing."""
    return create(aws, PASS)
