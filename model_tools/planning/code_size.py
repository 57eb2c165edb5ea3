"""Estimates the unzipped size of the function's code and layer, by the packages that are installed here."""

from pathlib import Path

import model_tools
from model_tools.bundling.distributions import InstalledPackage, installed_packages
from model_tools.bundling.layer import LAYER_PACKAGES, NOT_IN_THE_LAYER
from model_tools.errors import RuntimeMissing

PREINSTALLED = frozenset({"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six"})
"""The packages of Lambda's own Python, which the layer leaves out."""
FUNCTION_BYTES = 64 << 10
"""A generous size for app.py and release.json together."""


def unzipped_code() -> int | None:
    """Return the bytes of the layer and the function together; None if the layer's packages are not installed here."""
    try:
        packages = installed_packages(LAYER_PACKAGES)
    except RuntimeMissing:
        return None
    shipped = [package for name, package in packages.items() if name not in PREINSTALLED]
    return sum(map(_size, shipped)) + _library_size() + FUNCTION_BYTES


def _size(package: InstalledPackage) -> int:
    return sum(path.stat().st_size for name in package.files if (path := package.root / name).is_file())


def _library_size() -> int:
    root = Path(model_tools.__file__).parent
    files = (path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in NOT_IN_THE_LAYER)
    return sum(path.stat().st_size for path in files)
