"""A command that needs more than is installed says what, and how to get it."""

import importlib.metadata
from collections.abc import Sequence

import pytest

from model_tools.cli.errors import UserError
from model_tools.cli.extras import Extra, require_extra
from model_tools.cli.main import run
from tests.support.fakes.aws_services import FakeStack

HOW = "in a clone of model-tools run `pip install --constraint constraints.txt '.[{extra}]'`"


def leave_out(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """Let these packages seem not to be installed."""
    version = importlib.metadata.version

    def version_without(name: str) -> str:
        if name in packages:
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", version_without)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        pytest.param(["plan", "examples/wine"], "functions", id="plan"),
        pytest.param(["runtime", "build"], "functions", id="runtime build"),
        pytest.param(["local", "up"], "emulator", id="local up"),
    ],
)
def test_a_command_says_which_packages_it_lacks_before_it_does_anything(
    arguments: Sequence[str], extra: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    leave_out(monkeypatch, "isal", "zstandard")

    code = run(arguments, FakeStack().command())

    told = " ".join(capsys.readouterr().err.split())
    assert code == 1
    assert "needs packages that are not installed here (isal, zstandard)" in told
    assert HOW.format(extra=extra) in told


@pytest.mark.parametrize("extra", ["emulator", "functions", "torch", "xgboost"])
def test_nothing_is_said_where_everything_is_installed(extra: Extra) -> None:
    require_extra(extra, what="This test")


def test_an_extra_of_extras_needs_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_out(monkeypatch, "xgboost-cpu", "moto")

    with pytest.raises(UserError, match=r"not installed here \(moto, xgboost-cpu\)"):
        require_extra("emulator", what="The emulator")
