"""Packages models as the product does, with workers that all tests of a process share: torch is imported once."""

import atexit
from pathlib import Path
from typing import Any

from model_tools.packaging import package
from model_tools.packaging.children.workers import Workers
from model_tools.packaging.package import Package

_WORKERS = Workers()
atexit.register(_WORKERS.__exit__)


def package_model(folder: Path, workspace: Path, **options: Any) -> Package:
    """Package the model in a folder; see `model_tools.packaging.package.package_model`."""
    return package.package_model(folder, workspace, workers=_WORKERS, **options)
