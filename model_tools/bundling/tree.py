"""The folder that becomes a bundle: the files, stripped of what only debuggers read, with compiled code beside them."""

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
"""A fixed number: compiled code depends on what its process compiled before."""

Report = Callable[[str], None]


def copy_files(files: Iterable[str], available: Mapping[str, Path], folder: Path) -> None:
    """Copy files to where they are in their packages."""
    for name in sorted(files):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(available[name], target)
        target.chmod(0o755 if target.stat().st_mode & 0o100 else 0o644)


def strip_libraries(folder: Path, *, machine: str, report: Report) -> None:
    """Remove symbols that linking does not need from libraries; without `strip` on PATH they stay, which is said."""
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
    """Strip a library, unless what comes out cannot be loaded: strip breaks some whose parts were moved by patchelf."""
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
    """Compile every source with an interpreter of the bundle's Python."""
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
