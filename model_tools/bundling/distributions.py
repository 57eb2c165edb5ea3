"""Packages as they are installed: which files are whose, what they need, under which licence they come."""

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
    """One installed, or unpacked, distribution."""

    name: str
    """The name that it gives itself, in lower case with hyphens."""
    version: str
    licence: str
    """An SPDX expression where it gives one, else what it says of itself; "" when it says nothing."""
    root: Path
    """The site-packages folder that holds its files."""
    files: frozenset[str]
    """Relative to the root; without what lies outside it, such as scripts."""
    needs: tuple[str, ...] = ()
    """The packages that it cannot do without."""

    @property
    def metadata_folder(self) -> str:
        """The folder of what it says of itself."""
        return next(name.partition("/")[0] for name in self.files if METADATA_FILE.fullmatch(name))

    @property
    def legal_files(self) -> frozenset[str]:
        """The files that have to go with any part of it: its metadata and its licences."""
        folder = PurePosixPath(self.metadata_folder)
        return frozenset(
            name
            for name in self.files
            if folder in PurePosixPath(name).parents
            and (name.endswith("/METADATA") or "licenses" in name or LICENCE_FILE.fullmatch(PurePosixPath(name).name))
        )


def installed_packages(names: Iterable[str], *, extras: bool = False) -> dict[str, InstalledPackage]:
    """Return installed packages by name with all that they need. Raises RuntimeMissing when one is not installed."""
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
    """Return the named packages and all that they need, of those there are."""
    found: dict[str, InstalledPackage] = {}
    pending = [canonical(name) for name in names]
    while pending:
        key = pending.pop()
        if key in packages and key not in found:
            found[key] = packages[key]
            pending += map(canonical, packages[key].needs)
    return list(found.values())


def package_of(distribution: importlib.metadata.Distribution, *, root: Path | None = None) -> InstalledPackage:
    """Return what a distribution's metadata say; with a root, of all files that lie below it."""
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
    """Return a distribution's name as PyPI writes it: lower case, hyphens."""
    return re.sub(r"[-_.]+", "-", name).lower()


def link_packages(packages: Iterable[InstalledPackage], folder: Path) -> None:
    """Make a folder from which exactly these packages can be imported, by links to where they lie."""
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
