import pytest

from emulator.server import Emulator
from tests.contract.emulator.echo_stack import urls


@pytest.fixture(scope="module")
def aws():
    """One running emulator, fast: a scaled second is a hundredth of a real one."""
    with Emulator(time_scale=100) as emulator:
        yield emulator


@pytest.fixture
def emulator(aws):
    """The same, under its own name."""
    return aws


__all__ = ["aws", "emulator", "urls"]
