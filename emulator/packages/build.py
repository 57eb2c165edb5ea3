"""What `sam build` makes of a folder: a function's or a layer's files, with what its requirements ask for."""

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
_LEFT_OUT = frozenset({"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_MAKE_SECONDS = 300


@dataclass(frozen=True)
class LocalCode:
    """A folder that a template names: `build_method` as its Metadata say, None when they say nothing."""

    logical_id: str
    folder: Path
    is_layer: bool
    build_method: str | None


def is_built(code: LocalCode) -> bool:
    """Tell whether the folder is only the source of what is deployed."""
    return code.build_method is not None or (not code.is_layer and (code.folder / REQUIREMENTS).is_file())


def build(code: LocalCode, artifact: Path, scratch: Path) -> None:
    """Fill `artifact` with what is to be zipped; EmulatorError says what could not be built.

    As `sam build` does: a makefile makes the target `build-<logical id>` with ARTIFACTS_DIR; otherwise requirements
    go beside a function's files, and a layer's both under `python/`.
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
    """Yield a folder's files in an order of their own, without what tools leave behind."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _LEFT_OUT.intersection(path.relative_to(folder).parts):
            yield path


def _make(code: LocalCode, artifact: Path, scratch: Path) -> None:
    where = f"{code.logical_id}: {code.folder / MAKEFILE}"
    make = shutil.which("make")
    if make is None:
        raise EmulatorError(f"{where} cannot be made: install make")
    source = scratch / "source"
    shutil.copytree(code.folder, source, ignore=lambda _, names: _LEFT_OUT.intersection(names))
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
    """Put a `python3` into a folder that is this one, but for its pip."""
    folder.mkdir()
    package_root = Path(__file__).parents[2]
    command = [sys.executable, "-P", "-m", "emulator.packages.pip_install"]  # -P: a library may have a `packaging`
    script = f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(package_root))} exec {shlex.join(command)} "$@"\n'
    for name in ("python3", "python"):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
