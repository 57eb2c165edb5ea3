"""How large the function's code and its layer are once unzipped, by what is installed here."""

from pathlib import Path

import model_tools
from model_tools.bundling.distributions import InstalledPackage, installed_packages
from model_tools.bundling.layer import LAYER_PACKAGES, NOT_IN_THE_LAYER
from model_tools.errors import RuntimeMissing

IN_LAMBDAS_PYTHON = frozenset({"boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six"})
FUNCTION_BYTES = 64 << 10
"""app.py and release.json, generously."""


def unzipped_code() -> int | None:
    """Return the bytes of the layer and the function together; None where the functions' packages are not installed."""
    try:
        packages = installed_packages(LAYER_PACKAGES)
    except RuntimeMissing:
        return None
    shipped = [package for name, package in packages.items() if name not in IN_LAMBDAS_PYTHON]
    return sum(map(_size, shipped)) + _library_size() + FUNCTION_BYTES


def _size(package: InstalledPackage) -> int:
    return sum(path.stat().st_size for name in package.files if (path := package.root / name).is_file())


def _library_size() -> int:
    root = Path(model_tools.__file__).parent
    files = (path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in NOT_IN_THE_LAYER)
    return sum(path.stat().st_size for path in files)
