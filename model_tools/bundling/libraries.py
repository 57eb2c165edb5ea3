"""Finds the shared libraries that a bundle must hold because its files are linked against them."""

import mmap
from collections.abc import Iterable, Mapping
from pathlib import Path

from model_tools.runtime.elf import MAGIC, SharedLibrary, read_library


def linkage_of(path: Path) -> SharedLibrary | None:
    """Return the names in a shared library by which it is linked; None for a file that is no shared library.

    Raises ValueError for a damaged library.
    """
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return None
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            return read_library(mapped)


def add_needed(files: Iterable[str], available: Mapping[str, Path]) -> set[str]:
    """Return the files and every available library that one of them needs, directly or through other libraries.

    `available` holds all files of the packages by name. A needed library that is not among them belongs to the system.
    """
    # Packages may bring copies of the same library, and each package finds only its own copy.
    named: dict[str, set[str]] = {}
    for path in available:
        named.setdefault(path.rpartition("/")[2], set()).add(path)
    result = set(files)
    pending = list(result)
    while pending:
        linkage = linkage_of(available[pending.pop()])
        needed = {path for soname in linkage.needed for path in named.get(soname, ())} if linkage else set()
        pending += needed - result
        result |= needed
    return result
