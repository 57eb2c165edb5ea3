"""Packages and serves models as the product does, with workers that its tests share: torch is imported once."""

import atexit
from pathlib import Path
from typing import Any

from model_tools.packaging import package
from model_tools.packaging.children.workers import Workers
from model_tools.packaging.package import Package
from model_tools.serving.archive_reader import read_archive
from model_tools.serving.served_model import ServedModel, load_served_model
from model_tools.tasks.loading import load_task
from tests.support.serving.archives import Stored

_WORKERS = Workers()
atexit.register(_WORKERS.__exit__)


def package_model(folder: Path, workspace: Path, **options: Any) -> Package:
    """Package the model in a folder; see `model_tools.packaging.package.package_model`."""
    return package.package_model(folder, workspace, workers=_WORKERS, **options)


def serve_package(package: Package, home: Path) -> ServedModel:
    """Return the model of a package as the inference function loads it."""
    stored = Stored(package.archive.read_bytes())
    home.mkdir()
    files = read_archive(stored.reference, stored.open, home)
    return load_served_model(files, lambda _url: b"", load_task)
