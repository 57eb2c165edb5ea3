"""From a model's folder to the facts and the measurement of a plan: packages and serves it in a scratch folder."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from model_tools.errors import RuntimeMissing
from model_tools.formats.manifest import Library
from model_tools.packaging.checkpoint.model_folder import open_model_folder
from model_tools.packaging.package import Package, package_model
from model_tools.planning.bundles import KnownBundle
from model_tools.planning.code_size import unzipped_code
from model_tools.planning.measuring import matches_this_python, measure
from model_tools.planning.plan import Facts, PublicationPlan, assemble_plan, choose_lane
from model_tools.planning.prices import Prices
from model_tools.runtime.loading import is_importable
from model_tools.runtime.placement import PlacementWish
from model_tools.runtime.unpacking import unpack_runtime

CONTAINER_ENGINES = ("docker", "podman", "finch", "buildah")

Report = Callable[[str], None]


@dataclass(frozen=True)
class PlanRequest:
    """What a plan is made for."""

    folder: Path
    """The folder of the model, with a publish.yaml."""
    release_id: str
    bundle: KnownBundle | None
    prices: Prices
    memory: int | None = None
    """MB of the function; None lets the plan recommend them."""
    wish: PlacementWish = "auto"


def plan_publication(question: PlanRequest, scratch: Path, *, report: Report = lambda _: None) -> PublicationPlan:
    """Package the model as the workflow would, serve it as the function would, and return the plan.

    All files are written below `scratch`. Raises what packaging refuses; ModelTooLarge when the model fits no function;
    RuntimeMissing when nothing on this machine can run it.
    """
    manifest = open_model_folder(question.folder).manifest
    checkpoint = question.folder / manifest.checkpoint
    bundle = question.bundle
    began = time.monotonic()
    with _library(manifest.library, bundle, scratch / "library"):
        package = package_model(question.folder, scratch / "package", report=report)
        facts = _facts(question, package, checkpoint.stat().st_size, time.monotonic() - began)
        lane = choose_lane(facts, wish=question.wish)
        report("Measuring how it is served")
        served = bundle if bundle is not None and lane[0].lane == "bundle" and _is_usable(bundle) else None
        measurement = measure(package, served, lane[0].placement if served else None, scratch / "measuring")
    origin = f"the runtime bundle of {served.origin}" if served else f"the {manifest.library} that is installed here"
    return assemble_plan(
        facts,
        lane,
        measurement,
        origin,
        with_bundle=served is not None,
        memory=question.memory,
        prices=question.prices,
    )


def _facts(question: PlanRequest, package: Package, checkpoint_bytes: int, seconds: float) -> Facts:
    return Facts(
        name=package.manifest.name,
        task=package.manifest.task,
        format=package.manifest.format,
        release_id=question.release_id,
        checkpoint_bytes=checkpoint_bytes,
        archive_bytes=package.size,
        unpacked_bytes=package.unpacked,
        package_seconds=seconds,
        code_bytes=unzipped_code(),
        bundle=question.bundle,
        container_engine=next(filter(shutil.which, CONTAINER_ENGINES), None),
    )


def _is_usable(bundle: KnownBundle) -> bool:
    return bundle.file is not None and matches_this_python(bundle, machine=os.uname().machine)


@contextmanager
def _library(name: Library, bundle: KnownBundle | None, folder: Path) -> Iterator[None]:
    """Let child processes find the library: installed, or out of the bundle. Raises RuntimeMissing."""
    if is_importable(name):
        yield
        return
    if bundle is None or not _is_usable(bundle):
        raise RuntimeMissing(
            f"{name} is not installed here, and there is no runtime bundle of this Python and processor: install "
            f"model-tools with its extra {name!r}, or build a bundle with `model-tools runtime build --name {name}`."
        )
    path = str(unpack_runtime(bundle.reference, _opener(bundle), folder))
    sys.path.insert(0, path)
    try:
        yield
    finally:
        sys.path.remove(path)


def _opener(bundle: KnownBundle) -> Callable[[str], AbstractContextManager[IO[bytes]]]:
    def open_object(_uri: str) -> AbstractContextManager[IO[bytes]]:
        if bundle.file is None:
            raise RuntimeMissing(f"{bundle.reference.uri} is not on this machine.")
        return bundle.file.open("rb")

    return open_object
