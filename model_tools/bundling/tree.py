"""Prepares the folder that becomes a bundle: copies the files, strips libraries and compiles sources."""

import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from model_tools.bundling import compile_sources
from model_tools.bundling.libraries import linkage_of
from model_tools.errors import RuntimeDamaged
from model_tools.formats.runtime_reference import VIRTUAL_ROOT

PROCESSES = 2
"""The number of processes at a time. It is fixed, since compiled code depends on what its process compiled before."""

Report = Callable[[str], None]
"""Takes a phrase that tells what was done, or could not be."""


def copy_files(files: Iterable[str], available: Mapping[str, Path], folder: Path) -> None:
    """Copy files into a folder, under their names in their packages; `available` maps these names to paths."""
    for name in sorted(files):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(available[name], target)
        target.chmod(0o755 if target.stat().st_mode & 0o100 else 0o644)


def strip_libraries(folder: Path, *, machine: str, report: Report) -> None:
    """Remove symbols that linking does not need from the libraries of a folder.

    `report` tells which libraries keep them: all without `strip` on PATH, and those that `strip` would break.
    """
    if shutil.which("strip") is None:
        report("binutils is not installed: the libraries keep their symbols, and the bundle is larger")
        return
    libraries = [path for path in sorted(folder.rglob("*")) if path.is_file() and _is_library(path, machine)]
    with ThreadPoolExecutor(PROCESSES) as pool:
        for path, is_stripped in zip(libraries, pool.map(_strip, libraries), strict=True):
            if not is_stripped:
                report(f"not stripped: {path.name}")


def _is_library(path: Path, machine: str) -> bool:
    linkage = linkage_of(path)
    return linkage is not None and linkage.machine == machine


def _strip(path: Path) -> bool:
    """Strip a library and tell whether that worked; strip breaks some libraries whose parts patchelf has moved."""
    stripped = path.with_name(f"{path.name}.stripped")
    try:
        done = subprocess.run(
            ["strip", "--strip-unneeded", "-o", str(stripped), str(path)],
            check=False, capture_output=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if done.returncode or linkage_of(stripped) != linkage_of(path):
            return False
    except ValueError:
        return False
    else:
        stripped.chmod(path.stat().st_mode & 0o777)
        stripped.replace(path)
        return True
    finally:
        stripped.unlink(missing_ok=True)


def compile_tree(folder: Path, *, python: str, report: Report) -> None:
    """Compile every source of a folder with the interpreter `python`. Raises RuntimeDamaged when that fails."""
    sources = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py"))
    shares: list[Sequence[str]] = [sources[number::PROCESSES] for number in range(PROCESSES)]

    def compile_share(share: Sequence[str]) -> str:
        done = subprocess.run(
            [python, "-S", "-s", "-P", compile_sources.__file__, str(folder), VIRTUAL_ROOT],
            check=False, input="\n".join(share), capture_output=True, text=True,
            env={"PYTHONHASHSEED": "0", "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
        if done.returncode:
            raise RuntimeDamaged(f"{python} cannot compile the sources: {done.stderr.strip()[-500:]}")
        return done.stderr

    with ThreadPoolExecutor(PROCESSES) as pool:
        for said in pool.map(compile_share, shares):
            for line in said.splitlines():
                report(f"not compiled: {line}")
