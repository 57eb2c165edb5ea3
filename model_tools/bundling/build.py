"""Builds a runtime bundle from an installed library: watches its use, gathers the files, packs and proves them."""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.util import source_from_cache
from pathlib import Path

from model_tools.bundling.built import BuiltRuntime, files_in
from model_tools.bundling.clean_python import CleanPython, here
from model_tools.bundling.distributions import InstalledPackage, installed_packages
from model_tools.bundling.inventory import describe, packages_of, write_inventory
from model_tools.bundling.libraries import add_needed
from model_tools.bundling.pack import PackedBundle, pack_tree
from model_tools.bundling.recipes import RECIPES
from model_tools.bundling.tree import compile_tree, copy_files, strip_libraries
from model_tools.bundling.use import Exercise, Paths, Use, make_exercises, run_exercises, watch_use
from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import PartName
from model_tools.runtime.unpacking import unpack_runtime

DEFAULT_LEVEL = 19
"""zstd's level of compression: 86 MB for torch, against 109 MB at level 3."""

Report = Callable[[str], None]
"""Takes a phrase that tells which step begins."""


def build_runtime(
    name: Library,
    destination: Path,
    *,
    level: int = DEFAULT_LEVEL,
    models: Sequence[Path] = (),
    report: Report = lambda _: None,
) -> BuiltRuntime:
    """Build the bundle of a library that is installed in this Python, prove it, and write it to a folder.

    `models` are folders with a publish.yaml whose use of the library is watched as well. Raises RuntimeMissing for a
    library that is not installed, RuntimeDamaged when an exercise fails with the library or with the finished bundle.
    """
    packages = installed_packages(RECIPES[name].distributions)
    with tempfile.TemporaryDirectory(prefix="runtime-build-") as temporary:
        scratch = Path(temporary).resolve()
        python = CleanPython(scratch)
        exercises = make_exercises(name, scratch / "models", models)
        report(f"watching what {len(exercises)} exercises use of {name}")
        use = watch_use(name, packages, python, exercises, scratch / "watched")
        return build_from(name, use, packages, destination, python, exercises, level=level, report=report)


def build_from(
    name: Library,
    use: Use,
    packages: Mapping[str, InstalledPackage],
    destination: Path,
    python: CleanPython,
    exercises: Sequence[Exercise],
    *,
    level: int,
    report: Report,
) -> BuiltRuntime:
    """Build and prove a bundle of the files that are used. Raises RuntimeDamaged."""
    version, machine = here()
    tree = python.folder / "tree"
    serving = gather(use, packages, tree)
    report("stripping and compiling")
    strip_libraries(tree, machine=machine, report=report)
    compile_tree(tree, python=sys.executable, report=report)
    unproved = python.folder / "built"
    packed = pack(tree, unproved, serving, level=level, report=report)
    built = finish(name, packed, tree, packages, unproved, python=version, machine=machine)
    report("running the exercises with the finished bundle")
    prove(built, python, exercises)
    return built.copied_to(destination)


def gather(use: Use, packages: Mapping[str, InstalledPackage], tree: Path) -> set[str]:
    """Copy the used files, the libraries that they need and their packages' licences into the folder `tree`.

    Returns the names of the files that serving needs.
    """
    available = {file: package.root / file for package in packages.values() for file in package.files}
    serving, whole = add_needed(use.serving, available), add_needed(use.whole, available)
    for files in (serving, whole):
        files.update(*(package.legal_files for package in packages_of(files, packages.values())))
    copy_files(serving | whole, available, tree)
    return serving


def pack(tree: Path, destination: Path, serving: set[str], *, level: int, report: Report) -> PackedBundle:
    """Write a bundle, named by its digest; the files in `serving` and the code compiled from them come first."""
    report(f"packing at level {level}")
    destination.mkdir(parents=True, exist_ok=True)
    compiled = {
        path.relative_to(tree).as_posix()
        for path in tree.rglob("*.pyc")
        if source_from_cache(path.relative_to(tree).as_posix()) in serving
    }
    with tempfile.TemporaryDirectory(dir=destination, prefix=".packing-") as folder:
        unnamed = Path(folder, "bundle")
        packed = pack_tree(tree, unnamed, serving=serving | compiled, level=level)
        unnamed.replace(files_in(destination, packed.whole.sha256)[0])
    return packed


def finish(
    name: Library,
    packed: PackedBundle,
    tree: Path,
    packages: Mapping[str, InstalledPackage],
    destination: Path,
    *,
    python: str,
    machine: str,
) -> BuiltRuntime:
    """Write the inventory of a packed folder beside its bundle."""
    reference = describe(name, packed, tree, packages, python=python, machine=machine)
    write_inventory(reference, tree, packages, destination)
    return BuiltRuntime(reference, *files_in(destination, reference.sha256))


def prove(built: BuiltRuntime, python: CleanPython, exercises: Sequence[Exercise]) -> None:
    """Unpack both parts of a bundle and run all exercises with them in place of the library. Raises RuntimeDamaged."""

    def unpacked(part: PartName) -> list[Path]:
        folder = python.folder / "unpacked"
        return [unpack_runtime(built.reference, lambda _: built.bundle.open("rb"), folder, part), python.layer]

    paths: Paths = {"serving": unpacked("serving"), "whole": unpacked("whole")}
    run_exercises(python, exercises, paths, python.folder / "proof")
