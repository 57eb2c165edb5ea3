from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.lambda_ import LifecycleDelays
from emulator.server import Emulator
from tests.contract.lambda_service.lambda_functions import Functions, functions_with

AT_ONCE = LifecycleDelays(create=0.01, update=0.01, publish=0.01)


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Functions]:
    """Functions whose states change almost at once, for tests of something else."""
    with functions_with(tmp_path_factory.mktemp("service") / "lambda", delays=AT_ONCE) as quick:
        yield quick


@pytest.fixture(scope="module")
def emulated_functions() -> Iterator[Functions]:
    """Functions in a whole emulator, as it is started for everybody."""
    with Emulator() as emulator:
        yield Functions(emulator.client)


@pytest.fixture
def limited_functions(tmp_path: Path) -> Any:
    """Return `functions_with` for a folder of the test's own."""
    return lambda **settings: functions_with(tmp_path / "lambda", **{"delays": AT_ONCE, **settings})
