import pytest

from tests.support.emulator.lambda_functions import MISBEHAVING, Functions


@pytest.fixture(scope="module")
def misbehaving(functions: Functions) -> str:
    """A function that does what its event says, for one second at most."""
    return functions.create(MISBEHAVING, Timeout=1)
