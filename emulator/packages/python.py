"""The Python that functions run on: the emulator's interpreter and standard library, with Lambda's packages only."""

import venv
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from emulator.errors import EmulatorError
from emulator.packages.installed import files_of, with_dependencies

LAMBDA_DISTRIBUTIONS = ("boto3", "awslambdaric")
"""The distributions of Lambda's Python.

Their dependencies are botocore, s3transfer, jmespath, dateutil, six and urllib3; snapshot_restore_py and simplejson.
"""


def make_python(folder: Path, preinstalled: Sequence[str] = ()) -> Path:
    """Make a Python in `folder` that has Lambda's packages and the preinstalled ones; return its executable.

    A child process that a function starts with `sys.executable` has the same packages. Packages are linked, not copied.
    Raises EmulatorError when a package is not installed beside the emulator.
    """
    venv.EnvBuilder(symlinks=True).create(folder)
    [site_packages] = folder.glob("lib/python*/site-packages")
    lambda_distributions = with_dependencies(map(Requirement, LAMBDA_DISTRIBUTIONS), "Lambda's own Python")
    added = with_dependencies(_requirements(preinstalled), "preinstalled")
    _link({each.name: each for each in (*added, *lambda_distributions)}.values(), site_packages)
    return folder / "bin" / "python"


def _requirements(preinstalled: Sequence[str]) -> list[Requirement]:
    try:
        return [Requirement(text) for text in preinstalled]
    except InvalidRequirement as error:
        raise EmulatorError(f"preinstalled: {error}: name distributions, such as torch or pillow") from error


def _link(distributions: Iterable[Distribution], site_packages: Path) -> None:
    """Link each package as a whole, and the files of a folder that distributions share one by one."""
    linked: set[Path] = set()
    for installed in distributions:
        for path, origin in files_of(installed):
            above = [parent for parent in reversed(path.parents) if parent.name]
            if path in linked or not linked.isdisjoint(above):
                continue
            root = origin.parents[len(above)]
            unit = next((parent for parent in above if (root / parent / "__init__.py").is_file()), path)
            linked.add(unit)
            (site_packages / unit).parent.mkdir(parents=True, exist_ok=True)
            (site_packages / unit).symlink_to(root / unit)
