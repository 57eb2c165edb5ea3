"""The Python that functions run on: this one's interpreter and standard library, with Lambda's packages alone."""

import venv
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from emulator.errors import EmulatorError
from emulator.packages.installed import files_of, with_dependencies

# With what they need, these are all that AWS's Python brings: botocore, s3transfer, jmespath, dateutil, six, urllib3
# of the one; snapshot_restore_py and simplejson of the other.
LAMBDAS_OWN = ("boto3", "awslambdaric")


def make_python(folder: Path, preinstalled: Sequence[str] = ()) -> Path:
    """Make a Python in `folder` that has Lambda's packages and these others; return its executable.

    A child that a function starts with `sys.executable` sees no more than the function does. Packages are linked, not
    copied. EmulatorError names what is not installed here.
    """
    venv.EnvBuilder(symlinks=True).create(folder)
    [site_packages] = folder.glob("lib/python*/site-packages")
    lambdas_own = with_dependencies(map(Requirement, LAMBDAS_OWN), "Lambda's own Python")
    added = with_dependencies(_requirements(preinstalled), "preinstalled")
    _link({each.name: each for each in (*added, *lambdas_own)}.values(), site_packages)
    return folder / "bin" / "python"


def _requirements(preinstalled: Sequence[str]) -> list[Requirement]:
    try:
        return [Requirement(text) for text in preinstalled]
    except InvalidRequirement as error:
        raise EmulatorError(f"preinstalled: {error}: name distributions, such as torch or pillow") from error


def _link(distributions: Iterable[Distribution], site_packages: Path) -> None:
    """Link each package as a whole, and file by file what several distributions may put into one folder."""
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
