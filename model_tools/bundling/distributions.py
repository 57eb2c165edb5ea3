"""Reads installed packages: their files, their dependencies and their licences."""

import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import cast

from packaging.markers import default_environment
from packaging.requirements import Requirement

from model_tools.errors import RuntimeMissing

METADATA_FILE = re.compile(r"[^/]+\.dist-info/METADATA")
LICENCE_FILE = re.compile(r"(?:LICEN[CS]E|COPYING|NOTICE)[^/]*", re.IGNORECASE)


@dataclass(frozen=True)
class InstalledPackage:
    """A package that is installed, or unpacked from a wheel."""

    name: str
    """The package's name, in lower case with hyphens."""
    version: str
    licence: str
    """The SPDX expression in the package's metadata, else its other words on its licence; empty without any."""
    root: Path
    """The site-packages folder that holds the package's files."""
    files: frozenset[str]
    """The paths of the package's files relative to the root; files outside the root, such as scripts, are left out."""
    needs: tuple[str, ...] = ()
    """The names of the packages that the package requires."""

    @property
    def metadata_folder(self) -> str:
        """The name of the package's `.dist-info` folder."""
        return next(name.partition("/")[0] for name in self.files if METADATA_FILE.fullmatch(name))

    @property
    def legal_files(self) -> frozenset[str]:
        """The files that must accompany any part of the package: its metadata and its licences."""
        folder = PurePosixPath(self.metadata_folder)
        return frozenset(
            name
            for name in self.files
            if folder in PurePosixPath(name).parents
            and (name.endswith("/METADATA") or "licenses" in name or LICENCE_FILE.fullmatch(PurePosixPath(name).name))
        )


def installed_packages(names: Iterable[str], *, extras: bool = False) -> dict[str, InstalledPackage]:
    """Return installed packages and all that they require, by name. Raises RuntimeMissing for one that is missing.

    With `extras`, packages that are missing are left out.
    """
    found: dict[str, InstalledPackage] = {}
    pending = [(name, extras) for name in names]
    while pending:
        name, is_optional = pending.pop()
        key = canonical(name)
        if key in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError as error:
            if is_optional:
                continue
            raise RuntimeMissing(
                f"{name} is not installed in this Python, so nothing can be taken from it: install it, or build from "
                "wheels with --python and --platform."
            ) from error
        found[key] = package_of(distribution)
        pending += [(needed, is_optional) for needed in found[key].needs]
    return found


def closure(names: Iterable[str], packages: Mapping[str, InstalledPackage]) -> list[InstalledPackage]:
    """Return those of the given packages that are named, or that a named package requires."""
    found: dict[str, InstalledPackage] = {}
    pending = [canonical(name) for name in names]
    while pending:
        key = pending.pop()
        if key in packages and key not in found:
            found[key] = packages[key]
            pending += map(canonical, packages[key].needs)
    return list(found.values())


def package_of(distribution: importlib.metadata.Distribution, *, root: Path | None = None) -> InstalledPackage:
    """Return the package that a distribution's metadata describe; with a `root`, its files are all files below that."""
    if root is None:
        root = Path(str(distribution.locate_file("")))
        names = [file.as_posix() for file in distribution.files or ()]
    else:
        names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    return InstalledPackage(
        name=canonical(distribution.metadata["Name"]),
        version=distribution.version,
        licence=_licence(distribution),
        root=root,
        files=frozenset(name for name in names if not name.startswith(("../", "/")) and not name.endswith(".pyc")),
        needs=tuple(_needed(distribution)),
    )


def canonical(name: str) -> str:
    """Return a package's normalised name (PEP 503): lower case, with hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def link_packages(packages: Iterable[InstalledPackage], folder: Path) -> None:
    """Make a folder of links from which exactly these packages can be imported."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        for top in sorted({name.partition("/")[0] for name in package.files}):
            link = folder / top
            if not link.is_symlink() and top != "__pycache__":
                link.symlink_to(package.root / top)


def _needed(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    environment = {**cast("dict[str, str]", default_environment()), "extra": ""}
    for line in distribution.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield requirement.name


def _licence(distribution: importlib.metadata.Distribution) -> str:
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [
        value.rpartition(" :: ")[2]
        for value in metadata.get_all("Classifier") or ()
        if value.startswith("License :: ") and value.count(" :: ") > 1
    ]
    if classifiers:
        return " AND ".join(classifiers)
    return metadata["License"].partition("\n")[0][:200] if "License" in metadata else ""
