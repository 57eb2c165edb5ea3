"""Finds the files of a library that are used, by running the exercises and watching every process of theirs."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import source_from_cache
from pathlib import Path

from model_tools.bundling.clean_python import CleanPython, install_recorder
from model_tools.bundling.distributions import InstalledPackage, closure, link_packages
from model_tools.bundling.exercises.catalogue import models_of
from model_tools.bundling.recipes import RECIPES
from model_tools.errors import ManifestInvalid, RuntimeDamaged
from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import PartName
from model_tools.packaging.checkpoint.model_folder import open_model_folder
from model_tools.tasks.registry import spec_of

CONCURRENT_EXERCISES = 2
"""The number of exercises that run at the same time; each imports the library, which takes some hundred MB."""
EXERCISES = "model_tools.bundling.exercises"
"""The package with the exercises' modules."""

Paths = Mapping[PartName, Sequence[Path]]
"""The folders on the path of a process that needs a part of the bundle."""


@dataclass(frozen=True)
class Step:
    """A module that runs in a process of its own, with its arguments, to which the scratch folder is added."""

    module: str
    arguments: tuple[str, ...] = ()
    part: PartName = "whole"
    """The part of the bundle that the process can import."""


Exercise = tuple[Step, ...]
"""Steps that run one after the other, with one scratch folder for all."""


@dataclass(frozen=True)
class Use:
    """The files that were used, sorted and without the libraries that they are linked against."""

    serving: tuple[str, ...]
    whole: tuple[str, ...]


def make_exercises(name: Library, folder: Path, models: Sequence[Path] = ()) -> list[Exercise]:
    """Make the exercises' models with the installed library, and return all exercises of a runtime.

    `models` are folders of a user's own models, which are published and served as well. Raises RuntimeDamaged when the
    installed library cannot make the exercises' models, ModelNotFound and ManifestInvalid for a folder in `models` that
    holds no valid model.
    """
    made = subprocess.run(
        [sys.executable, "-P", "-m", f"{EXERCISES}.{name}_models", str(folder)],
        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )  # fmt: skip
    if made.returncode:
        raise RuntimeDamaged(f"The installed {name} cannot make the exercises' models: {made.stdout[-2000:]}")
    folders = [folder / model.name for model in models_of(name)] + [path.resolve() for path in models]
    others = [(Step(f"{EXERCISES}.public_modules", (name,)),)]
    if name == "torch":
        others.append((Step(f"{EXERCISES}.trainer"),))
    return [publication(path, name) for path in folders] + others


def run_exercises(python: CleanPython, exercises: Iterable[Exercise], paths: Paths, scratch: Path) -> None:
    """Run all exercises with these folders on the path. Raises RuntimeDamaged for the first exercise that fails."""

    def run(number: int, exercise: Exercise) -> None:
        folder = scratch / str(number)
        folder.mkdir(parents=True)
        for step in exercise:
            python.run(step.module, [*step.arguments, str(folder)], path=paths[step.part], scratch=folder)

    with ThreadPoolExecutor(CONCURRENT_EXERCISES) as pool:
        for ran in [pool.submit(run, number, exercise) for number, exercise in enumerate(exercises)]:
            ran.result()


def watch_use(
    name: Library,
    packages: Mapping[str, InstalledPackage],
    python: CleanPython,
    exercises: Iterable[Exercise],
    scratch: Path,
) -> Use:
    """Run the exercises with the whole packages, and return the files that were used of them.

    Raises RuntimeDamaged when an exercise fails.
    """
    recipe = RECIPES[name]
    visible: dict[PartName, Path] = {"serving": scratch / "serving-packages", "whole": scratch / "packages"}
    link_packages(closure(recipe.serving, packages), visible["serving"])
    link_packages(packages.values(), visible["whole"])
    opened = {part: install_recorder(scratch / f"{part}-recorder") for part in visible}
    paths = {part: [opened[part].parent, visible[part], python.layer] for part in visible}
    run_exercises(python, exercises, paths, scratch / "runs")
    roots = sorted({*map(str, visible.values()), *(str(package.root) for package in packages.values())}, reverse=True)
    known = frozenset().union(*(package.files for package in packages.values()))

    def used(part: PartName) -> set[str]:
        lines = opened[part].read_text(encoding="utf-8").splitlines()
        return ({_relative(line, roots) for line in lines} | set(recipe.never_opened)) & known

    serving = used("serving")
    return Use(tuple(sorted(serving)), tuple(sorted(serving | used("whole"))))


def publication(folder: Path, name: Library) -> Exercise:
    """Return the exercise that publishes and serves the model in a folder.

    Raises ModelNotFound, or ManifestInvalid for a model that needs another library.
    """
    manifest = open_model_folder(folder).manifest
    if manifest.library != name:
        raise ManifestInvalid(
            f"{folder} is a model for {manifest.library}, not for {name}: build that runtime with it."
        )
    part = spec_of(manifest.task).bundle_part
    return (Step(f"{EXERCISES}.package", (str(folder),)), Step(f"{EXERCISES}.serve", part=part))


def _relative(path: str, roots: Sequence[str]) -> str:
    """Return the name of an opened file in its package; compiled code gives the name of its source."""
    for root in roots:
        if path.startswith(f"{root}/"):
            path = path[len(root) + 1 :]
            break
    return source_from_cache(path) if path.endswith(".pyc") and "__pycache__" in path else path
