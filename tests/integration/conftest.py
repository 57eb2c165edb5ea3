"""One emulator with one deployed stack for all integration tests: they meet it as users do, in any order."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from emulator.server import Emulator
from tests.support.integration.models import write_tensor_model
from tests.support.integration.stack import Stack

ROOT = Path(__file__).parents[2]
TIME_SCALE = 60
INSTALLED = ("torch", "numpy", "pillow", "safetensors", "xgboost-cpu")
"""What functions find installed, as in an image: most tests need no runtime bundle, which takes time to unpack."""


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator(time_scale=TIME_SCALE, preinstalled=INSTALLED) as running:
        yield running


@pytest.fixture(scope="session")
def stack(emulator: Emulator) -> Stack:
    return Stack(emulator, emulator.deploy(ROOT / "template.yaml"))


@pytest.fixture
def champion(stack: Stack, tmp_path: Path) -> str:
    """The version that is live, published now if none is."""
    if not stack.record("live"):
        stack.publish(write_tensor_model(tmp_path / "champion", seed=100), rollout={"strategy": "all-at-once"})
    version, weights = stack.alias()
    assert weights == {}
    return version


@pytest.fixture(scope="session")
def trained_digits(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Train the digits example with the given options, once for each set of them."""
    folders: dict[tuple[str, ...], Path] = {}

    def train(*options: str) -> Path:
        if options not in folders:
            folder = tmp_path_factory.mktemp("digits") / "model"
            script = ROOT / "examples" / "digits" / "train.py"
            subprocess.run([sys.executable, script, "--output", folder, *options], check=True, capture_output=True)
            folders[options] = folder
        return folders[options]

    return train


@pytest.fixture
def digits(trained_digits: Callable[..., Path], tmp_path: Path) -> Path:
    """A trained digits model in a folder of its own, to be spoilt at will."""
    return Path(shutil.copytree(trained_digits(), tmp_path / "digits"))
