"""Keeps the bundles that were built on this machine, under a digest of everything that decides their bytes."""

import fcntl
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import zstandard

import model_tools
from model_tools.bundling.build import build_runtime
from model_tools.bundling.built import BuiltRuntime, files_in
from model_tools.bundling.distributions import installed_packages
from model_tools.bundling.recipes import RECIPES
from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import RuntimeReference

OTHER_ROOMS = ("aws", "cli", "planning", "workflow")
"""The rooms whose code neither uses a bundled library nor builds bundles; all other sources decide the bytes."""
MAX_BUILDS = 4
"""The number of builds that are kept of one runtime at one level; older builds are removed."""

Report = Callable[[str], None]
"""Takes a phrase that tells which step begins."""


class Build(Protocol):
    """The function that builds a bundle which is not in the cache: `build_runtime`."""

    def __call__(self, name: Library, destination: Path, *, level: int, report: Report) -> BuiltRuntime:
        """Build a bundle and write it to a folder."""


def cached_runtime(
    name: Library,
    *,
    level: int,
    report: Report = lambda _: None,
    folder: Path | None = None,
    build: Build = build_runtime,
) -> BuiltRuntime:
    """Return the bundle of the installed library, built now unless the same bundle was built before.

    Any number of processes may call this at the same time; one of them builds. Bundles are kept in `folder`, by default
    the user's cache. Raises the errors of `build_runtime`; a build that fails leaves nothing behind.
    """
    folder = folder or cache_folder(os.environ)
    home = folder / f"{name}-{level}-{cache_key(name, level)}"
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / f"{name}-{level}.lock", report):
        built = _find(home)
        if built is None:
            unfinished = home.with_name(f"{home.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            try:
                build(name, unfinished, level=level, report=report)
                shutil.rmtree(home, ignore_errors=True)
                unfinished.rename(home)
            finally:
                shutil.rmtree(unfinished, ignore_errors=True)
            built = _find(home)
        os.utime(home)
        _remove_old(folder, f"{name}-{level}-")
    if built is None:
        raise OSError(f"{home} was built and is not there: something else removes files there")
    return built


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder in which bundles are kept, below $XDG_CACHE_HOME or ~/.cache."""
    base = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base, "model-tools", "runtimes")


def cache_key(name: Library, level: int) -> str:
    """Return a digest of everything that decides a bundle's bytes: sources, packages, tools, Python and machine."""
    root = Path(model_tools.__file__).parent
    sources = deciding_sources(root)
    strip = shutil.which("strip")
    facts = {
        "level": level,
        "python": sys.version,
        "machine": os.uname().machine,
        "strip": [strip, Path(strip).resolve().stat().st_size] if strip else None,
        "zstandard": [zstandard.__version__, zstandard.ZSTD_VERSION],
        "packages": {
            package.name: _digest(package.root / package.metadata_folder / "RECORD")  # RECORD holds every file's digest
            for package in installed_packages(RECIPES[name].distributions).values()
        },
        "sources": {path.relative_to(root).as_posix(): _digest(path) for path in sources},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def deciding_sources(root: Path) -> list[Path]:
    """Return the library's Python files that can decide a bundle's contents, sorted."""
    return sorted(path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in OTHER_ROOMS)


def _find(home: Path) -> BuiltRuntime | None:
    for bundle in home.glob("*.tar.zst"):
        files = files_in(home, bundle.name.partition(".")[0])
        with suppress(OSError, ValueError):
            reference = RuntimeReference.model_validate_json(files[1].read_bytes())
            if bundle.stat().st_size == reference.size and files[2].is_file():
                return BuiltRuntime(reference, *files)
    return None


def _remove_old(folder: Path, prefix: str) -> None:
    homes = sorted((path for path in folder.glob(f"{prefix}*") if path.is_dir()), key=lambda path: path.stat().st_mtime)
    for home in homes[:-MAX_BUILDS]:
        shutil.rmtree(home, ignore_errors=True)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@contextmanager
def _locked(path: Path, report: Report) -> Iterator[None]:
    with path.open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report("another process builds this runtime: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
