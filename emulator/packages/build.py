"""Building the folder of a function or a layer as `sam build` does: its files, with its requirements."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emulator.errors import EmulatorError
from emulator.packages.pip_install import install

REQUIREMENTS = "requirements.txt"
MAKEFILE = "Makefile"

_IGNORED_NAMES = frozenset({"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
"""Folders that tools leave behind, and that are not part of the code."""

_MAKE_SECONDS = 300
"""The time that a makefile may take."""


@dataclass(frozen=True)
class LocalCode:
    """A folder that a template names. `build_method` is the BuildMethod in its Metadata, None without one."""

    logical_id: str
    folder: Path
    is_layer: bool
    build_method: str | None


def is_built(code: LocalCode) -> bool:
    """Return True when the folder has to be built, False when it is deployed as it is."""
    return code.build_method is not None or (not code.is_layer and (code.folder / REQUIREMENTS).is_file())


def build(code: LocalCode, artifact: Path, scratch: Path) -> None:
    """Build the code into the folder `artifact`; raises EmulatorError when it cannot be built.

    As `sam build` does: a makefile makes the target `build-<logical id>` with ARTIFACTS_DIR. Otherwise the requirements
    of a function lie beside its files, and both lie under `python/` for a layer.
    """
    if code.build_method == "makefile":
        _make(code, artifact, scratch)
        return
    root = artifact / "python" if code.is_layer else artifact
    for path in source_files(code.folder):
        target = root / path.relative_to(code.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    if (code.folder / REQUIREMENTS).is_file():
        install(code.folder / REQUIREMENTS, root)


def source_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder in a fixed order, without the folders that tools leave behind."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _IGNORED_NAMES.intersection(path.relative_to(folder).parts):
            yield path


def _make(code: LocalCode, artifact: Path, scratch: Path) -> None:
    where = f"{code.logical_id}: {code.folder / MAKEFILE}"
    make = shutil.which("make")
    if make is None:
        raise EmulatorError(f"{where} cannot be made: install make")
    source = scratch / "source"
    shutil.copytree(code.folder, source, ignore=lambda _, names: _IGNORED_NAMES.intersection(names))
    bin_folder = scratch / "bin"
    _write_python(bin_folder)
    artifact.mkdir(parents=True, exist_ok=True)
    try:
        made = subprocess.run(
            [make, "--silent", f"build-{code.logical_id}"],
            cwd=source,
            env={
                "PATH": f"{bin_folder}:/usr/local/bin:/usr/bin:/bin",
                "ARTIFACTS_DIR": str(artifact),
                "LANG": "C.UTF-8",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MAKE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EmulatorError(f"{where} is not done after {_MAKE_SECONDS} s: run make by hand to see why") from error
    if made.returncode != 0:
        raise EmulatorError(f"{where} failed: {' '.join((made.stderr or made.stdout).split())}")


def _write_python(folder: Path) -> None:
    """Write a `python3` into a folder that is this Python with the emulator's pip."""
    folder.mkdir()
    package_root = Path(__file__).parents[2]
    command = [
        sys.executable,
        "-P",
        "-m",
        "emulator.packages.pip_install",
    ]  # -P: a folder may have a module `packaging`
    script = f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(package_root))} exec {shlex.join(command)} "$@"\n'
    for name in ("python3", "python"):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
