"""The parts of model-tools that a plain installation leaves out, and what to say when a command needs one."""

import importlib.metadata
from collections.abc import Iterator
from typing import Literal

from packaging.requirements import Requirement

from model_tools.cli.errors import UserError
from model_tools.version import DISTRIBUTION

Extra = Literal["emulator", "functions", "torch", "xgboost"]
"""The names that pip knows them by."""


def require_extra(extra: Extra, *, what: str) -> None:
    """Raise UserError when a package of an extra is not installed. `what` is the subject: "A plan"."""
    if missing := sorted(set(_missing(extra))):
        raise UserError(
            f"{what} needs packages that are not installed here ({', '.join(missing)}): {how_to_install(extra)}."
        )


def how_to_install(extra: str) -> str:
    """Return the words that tell how to install an extra. It comes from a clone: on PyPI the name is not ours."""
    return f"in a clone of model-tools run `pip install --constraint constraints.txt '.[{extra}]'`"


def _missing(extra: str) -> Iterator[str]:
    for line in importlib.metadata.requires(DISTRIBUTION) or ():
        requirement = Requirement(line)
        if requirement.marker is None or not requirement.marker.evaluate({"extra": extra}):
            continue
        if requirement.name == DISTRIBUTION:
            for each in requirement.extras:
                yield from _missing(each)
        elif not _is_installed(requirement.name):
            yield requirement.name


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
