"""Installed distributions: finding them by requirement, with their dependencies, and listing their files."""

import json
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from emulator.errors import EmulatorError


def read_requirements(path: Path) -> list[Requirement]:
    """Return the requirements of a file; raises EmulatorError with the file and the line that is not a requirement."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if not text:
            continue
        try:
            found.append(Requirement(text))
        except InvalidRequirement as error:
            raise EmulatorError(
                f"{path}: the emulator does not understand {text!r}: write a plain requirement, such as name==1.0"
            ) from error
    return found


def with_dependencies(requirements: Iterable[Requirement], where: str) -> list[Distribution]:
    """Return the installed distributions that meet the requirements, and their dependencies, ordered by name.

    Raises EmulatorError when one is missing or has another version. `where` names in it who requires the distribution.
    """
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, where) for requirement in requirements if _applies(requirement)]
    while waiting:
        requirement, asked_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        found[name] = installed = _installed(requirement, asked_by)
        for extra in ("", *requirement.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            needed = map(Requirement, installed.requires or ())
            waiting += [(each, f"{where} ({name})") for each in needed if _applies(each, extra)]
    return [found[name] for name in sorted(found)]


def files_of(installed: Distribution) -> Iterator[tuple[Path, Path]]:
    """Yield the files of a distribution as (path in site-packages, file), without scripts and compiled files.

    Raises EmulatorError for a distribution that does not list its files, such as an editable one.
    """
    if not installed.read_text("RECORD") or _is_editable(installed):
        raise EmulatorError(
            f"{installed.name} is installed in a way that does not say which files are its own: install it as a wheel"
        )
    for entry in installed.files or ():
        if ".." not in entry.parts and "__pycache__" not in entry.parts and entry.suffix != ".pth":
            yield Path(*entry.parts), Path(str(entry.locate()))


def _applies(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _installed(requirement: Requirement, asked_by: str) -> Distribution:
    try:
        installed = distribution(requirement.name)
    except PackageNotFoundError as error:
        raise _missing(requirement, asked_by, "it is not") from error
    if not requirement.specifier.contains(installed.version, prereleases=True):
        raise _missing(requirement, asked_by, f"it has {installed.version}")
    return installed


def _missing(requirement: Requirement, asked_by: str, instead: str) -> EmulatorError:
    wanted = f"{requirement.name}{requirement.specifier}"
    return EmulatorError(
        f"{asked_by}: {wanted} must be installed beside the emulator, which has no network, and {instead}: "
        f"pip install '{wanted}', or change what asks for it"
    )


def _is_editable(installed: Distribution) -> bool:
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    return bool(origin.get("dir_info", {}).get("editable"))
