from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.lambda_ import LifecycleDelays
from emulator.server import Emulator
from tests.support.emulator.echo_stack import deploy_echo
from tests.support.emulator.lambda_functions import Functions, functions_with

AT_ONCE = LifecycleDelays(create=0.01, update=0.01, publish=0.01)


@pytest.fixture(scope="module")
def aws() -> Iterator[Emulator]:
    """One running emulator, fast: a scaled second is a hundredth of a real one."""
    with Emulator(time_scale=100) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def urls(aws: Emulator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The local URLs of a function that answers with its event; see `deploy_echo`."""
    return deploy_echo(aws, tmp_path_factory.mktemp("endpoints"))


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Functions]:
    """Functions of a Lambda service without the rest of the emulator, whose states change almost at once."""
    with functions_with(tmp_path_factory.mktemp("service") / "lambda", delays=AT_ONCE) as quick:
        yield quick


@pytest.fixture
def limited_functions(tmp_path: Path) -> Any:
    """Return `functions_with` for a folder of the test's own, so that it can choose the settings."""
    return lambda **settings: functions_with(tmp_path / "lambda", **{"delays": AT_ONCE, **settings})
