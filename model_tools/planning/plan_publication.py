"""Plans a publication: packages and serves the model in a scratch folder, and makes a plan of the figures."""

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
"""Programs that can build a container image, in the order in which they are looked for."""

Report = Callable[[str], None]
"""Takes a phrase that tells which step begins."""


@dataclass(frozen=True)
class PlanRequest:
    """The model, the bundle and the choices that a plan is made for."""

    folder: Path
    """The folder of the model, with a publish.yaml."""
    release_id: str
    bundle: KnownBundle | None
    prices: Prices
    memory: int | None = None
    """The memory of the function in MB; None lets the plan recommend one."""
    wish: PlacementWish = "auto"
    """The wished place of the runtime bundle."""


def plan_publication(request: PlanRequest, scratch: Path, *, report: Report = lambda _: None) -> PublicationPlan:
    """Package the model as the workflow would, serve it as the function would, and return the plan.

    All files are written below `scratch`. Raises the errors of packaging, ModelTooLarge for a model that fits no
    function, and RuntimeMissing if nothing on this machine can run the model.
    """
    manifest = open_model_folder(request.folder).manifest
    checkpoint = request.folder / manifest.checkpoint
    bundle = request.bundle
    began = time.monotonic()
    with _library(manifest.library, bundle, scratch / "library"):
        package = package_model(request.folder, scratch / "package", report=report)
        facts = _facts(request, package, checkpoint.stat().st_size, time.monotonic() - began)
        lane = choose_lane(facts, wish=request.wish)
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
        memory=request.memory,
        prices=request.prices,
    )


def _facts(request: PlanRequest, package: Package, checkpoint_bytes: int, seconds: float) -> Facts:
    return Facts(
        name=package.manifest.name,
        task=package.manifest.task,
        format=package.manifest.format,
        release_id=request.release_id,
        checkpoint_bytes=checkpoint_bytes,
        archive_bytes=package.size,
        unpacked_bytes=package.unpacked,
        package_seconds=seconds,
        code_bytes=unzipped_code(),
        bundle=request.bundle,
        container_engine=next(filter(shutil.which, CONTAINER_ENGINES), None),
    )


def _is_usable(bundle: KnownBundle) -> bool:
    return bundle.file is not None and matches_this_python(bundle, machine=os.uname().machine)


@contextmanager
def _library(name: Library, bundle: KnownBundle | None, folder: Path) -> Iterator[None]:
    """Let child processes import the library, from the bundle unless it is installed. Raises RuntimeMissing."""
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
