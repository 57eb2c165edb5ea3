"""Finds the runtime bundles on this machine, whose sizes a plan needs. Nothing is built or fetched here."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from model_tools.errors import RuntimeMissing
from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import RuntimeReference

BUNDLE_SUFFIX = ".tar.zst"


@dataclass(frozen=True)
class KnownBundle:
    """A bundle's reference, and its file if that is on this machine."""

    reference: RuntimeReference
    file: Path | None
    origin: str
    """The place where the bundle was found, for people."""


def find_in_folder(name: Library, folder: Path) -> KnownBundle:
    """Return the newest bundle that `model-tools runtime build --output` left in a folder. Raises RuntimeMissing."""
    bundles = list(_bundles(name, folder.glob(f"*{BUNDLE_SUFFIX}"), origin=str(folder)))
    if not bundles:
        raise RuntimeMissing(
            f"{folder} holds no runtime bundle for {name}: build one with `model-tools runtime build --name {name} "
            f"--output {folder}`, or name another folder."
        )
    return bundles[0]


def find_in_cache(name: Library, cache: Path) -> KnownBundle | None:
    """Return the bundle in the cache that was built or used last; None when there is none."""
    return next(_bundles(name, cache.glob(f"{name}-*/*{BUNDLE_SUFFIX}"), origin="this machine's cache"), None)


def _bundles(name: Library, files: Iterator[Path], *, origin: str) -> Iterator[KnownBundle]:
    """Yield the complete bundles of a runtime among the files, those of the newest folder first."""
    for file in sorted(files, key=lambda path: (path.parent.stat().st_mtime, path.stat().st_mtime), reverse=True):
        inventory = file.with_name(file.name.removesuffix(BUNDLE_SUFFIX) + ".json")
        try:
            reference = RuntimeReference.model_validate_json(inventory.read_bytes())
        except (OSError, ValidationError):
            continue
        if reference.name == name and reference.size == file.stat().st_size:
            yield KnownBundle(reference, file.resolve(), origin)
