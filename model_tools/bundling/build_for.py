"""Builds a runtime bundle for another Python or processor than this one's, from wheels that are not run."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from model_tools.bundling.build import Report, finish, gather, pack, prove
from model_tools.bundling.built import BuiltRuntime
from model_tools.bundling.clean_python import CleanPython, here
from model_tools.bundling.distributions import InstalledPackage, installed_packages
from model_tools.bundling.inventory import packages_of
from model_tools.bundling.libraries import linkage_of
from model_tools.bundling.recipes import RECIPES
from model_tools.bundling.tree import compile_tree, strip_libraries
from model_tools.bundling.use import Use, make_exercises, watch_use
from model_tools.bundling.wheels import WheelTarget, download_wheels, unpack_wheels
from model_tools.errors import RuntimeMismatch
from model_tools.formats.manifest import Library

TOLD_NAMES = 5
"""The number of files that a message names."""
ACCELERATOR = ("libcudart", "libcublas", "libcudnn", "libamdhip", "librocblas")
"""The beginnings of names of libraries for graphics processors."""


def build_runtime_for(
    name: Library,
    destination: Path,
    target: WheelTarget,
    *,
    level: int,
    wheels: Path | None = None,
    indexes: Sequence[str] = (),
    models: Sequence[Path] = (),
    report: Report = lambda _: None,
) -> BuiltRuntime:
    """Build a bundle for the target from wheels in a folder, or from wheels that pip fetches (with extra `indexes`).

    The use of the library is watched on this machine, with the installed versions. Raises RuntimeMissing for missing
    wheels, and RuntimeMismatch for wheels of another Python, processor or version.
    """
    installed = installed_packages(RECIPES[name].distributions)
    with tempfile.TemporaryDirectory(prefix="runtime-build-") as temporary:
        scratch = Path(temporary).resolve()
        python = CleanPython(scratch)
        exercises = make_exercises(name, scratch / "models", models)
        report(f"watching what {len(exercises)} exercises use of {name}")
        use = watch_use(name, installed, python, exercises, scratch / "watched")
        if wheels is None:
            report(f"fetching wheels for Python {target.python} on {target.platform}")
            wheels = scratch / "wheels"
            download_wheels(packages_of(use.whole, installed.values()), target, wheels, indexes)
        packages = unpack_wheels(wheels, scratch / "unpacked")
        tree, unproved = scratch / "tree", scratch / "built"
        built = build_from_wheels(name, use, packages, unproved, tree, target, level=level, report=report)
        if here() == (target.python, target.machine):
            report("running the exercises with the finished bundle")
            prove(built, python, exercises)
        else:
            report("not proved: it is for another Python or processor, and was not run")
        return built.copied_to(destination)


def build_from_wheels(
    name: Library,
    use: Use,
    packages: Mapping[str, InstalledPackage],
    destination: Path,
    tree: Path,
    target: WheelTarget,
    *,
    level: int,
    report: Report,
) -> BuiltRuntime:
    """Build a bundle of those files of unpacked wheels that are used. Raises RuntimeMismatch."""
    wanted = Use(*(tuple(names_in_wheels(used, packages, target, report=report)) for used in (use.serving, use.whole)))
    serving = gather(wanted, packages, tree)
    _require_machine(tree, target)
    if here()[1] == target.machine:
        strip_libraries(tree, machine=target.machine, report=report)
    else:
        report(f"not stripped: this machine's strip is not for {target.machine}")
    interpreter = find_python(target.python)
    if interpreter:
        compile_tree(tree, python=interpreter, report=report)
    else:
        report(f"no python{target.python} runs here: without compiled code, importing takes about twice as long")
    packed = pack(tree, destination, serving, level=level, report=report)
    return finish(name, packed, tree, packages, destination, python=target.python, machine=target.machine)


def names_in_wheels(
    used: Iterable[str], packages: Mapping[str, InstalledPackage], target: WheelTarget, *, report: Report
) -> list[str]:
    """Return the used files' names in the wheels. Raises RuntimeMismatch for an extension module that is missing."""
    available = frozenset().union(*(package.files for package in packages.values()))
    wanted = {target.name_of(file) for file in used}
    missing = sorted(wanted - available)
    if modules := [file for file in missing if file.endswith(".so")]:
        raise RuntimeMismatch(
            f"The wheels have no {', '.join(modules[:TOLD_NAMES])}: they are for another Python or processor than "
            f"Python {target.python} on {target.platform}, or of another version than what is installed here."
        )
    if missing:
        report(f"{len(missing)} used files are not in the wheels: {', '.join(missing[:TOLD_NAMES])}")
    return sorted(wanted & available)


def find_python(version: str) -> str | None:
    """Return an interpreter of a version on PATH, after running it: a program of that name may be a placeholder."""
    for name in (sys.executable, f"python{version}"):
        if path := shutil.which(name):
            asked = [path, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
            told = subprocess.run(asked, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if told.stdout.strip() == version:
                return path
    return None


def _require_machine(tree: Path, target: WheelTarget) -> None:
    for path in sorted(tree.rglob("*")):
        linkage = linkage_of(path) if path.is_file() else None
        if linkage is None:
            continue
        if linkage.machine != target.machine:
            raise RuntimeMismatch(f"{path.name} is for {linkage.machine}, the bundle for {target.machine}.")
        if any(needed.startswith(ACCELERATOR) for needed in linkage.needed):
            raise RuntimeMismatch(
                f"{path.name} is of a build for graphics processors, which Lambda has not: name the index of the CPU "
                "builds with --index-url https://download.pytorch.org/whl/cpu."
            )
