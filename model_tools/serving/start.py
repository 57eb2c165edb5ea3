"""From a release to a model that answers: the library, the archive, the model, and what a snapshot needs. Done once."""

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import cast

from model_tools.errors import RuntimeMismatch, RuntimeMissing
from model_tools.formats.archive import LIBRARY_OF, ArchiveManifest
from model_tools.formats.manifest import Library
from model_tools.formats.release_file import ReleaseFile
from model_tools.runtime.loading import is_importable, provide_runtime
from model_tools.runtime.placement import Placement, PlacementWish, place_bundle
from model_tools.serving.archive_reader import ModelFiles, OpenObject, read_archive
from model_tools.serving.images.fetch import Fetcher
from model_tools.serving.images.image_source import ImageSource, ReadObject
from model_tools.serving.results import PutObject, ResultStore
from model_tools.serving.served_model import ServedModel, load_served_model
from model_tools.serving.snapshot import prepare_for_snapshot, processors
from model_tools.serving.task import LoadTask


def _say_nothing(*_: object, **__: object) -> None:
    pass


@dataclass(frozen=True)
class Storage:
    """S3, as the function reaches it."""

    open: OpenObject
    read: ReadObject
    put: PutObject
    forget: Callable[[], None]
    """Ends connections and drops credentials; the next call makes new ones."""


def start(
    release: ReleaseFile,
    storage: Storage,
    environment: Mapping[str, str],
    load_task: LoadTask,
    report: Callable[..., object] = _say_nothing,
) -> tuple[ServedModel, ResultStore | None]:
    """Return the released model, loaded and warmed up, and where its long answers go.

    What it raises fails the version's snapshot, with its reason: RuntimeMissing, RuntimeDamaged, RuntimeMismatch,
    ArchiveDamaged, ModelTooLarge.
    """
    began = perf_counter()
    snap_start = environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    bucket = environment.get("RESULTS_BUCKET")
    source = ImageSource(
        Fetcher(allowed_hosts=_listed(environment, "ALLOWED_FETCH_HOSTS")),
        storage.read,
        allowed_buckets=_listed(environment, "ALLOWED_IMAGE_BUCKETS"),
    )
    placement = provide_library(
        release, storage.open, cast("PlacementWish", environment.get("RUNTIME_PLACEMENT") or "auto")
    )
    with unpacked(release, storage.open) as files:
        require_library(files.manifest, exactly=release.runtime is None)
        model = load_served_model(files, source.fetch, load_task, threads=1 if snap_start else processors())
    if files.manifest.results is not None and not bucket:
        raise ValueError("the model's manifest has results, and the function no RESULTS_BUCKET: deploy the stack again")
    if snap_start:
        prepare_for_snapshot(forget=storage.forget, set_threads=model.set_threads)
    report(
        "started",
        extra={
            "runtime": release.runtime and release.runtime.name,
            "runtime_placement": placement,
            "seconds": round(perf_counter() - began, 3),
        },
    )
    return model, ResultStore(bucket, release.release_id, storage.put) if bucket else None


def provide_library(release: ReleaseFile, open_object: OpenObject, wish: PlacementWish) -> Placement | None:
    """Make the library that runs the model importable, and return where its bundle is.

    One that is installed, as in an image, is used as it is.
    """
    # Serving has no use for NumPy, and its bundle none of it.
    warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
    runtime = release.runtime
    if runtime is None or is_importable(runtime.name):
        return None
    placement, _ = place_bundle(runtime.part(release.part).unpacked_size, release.archive.unpacked, wish=wish)
    provide_runtime(runtime, open_object, placement, folder=Path(tempfile.gettempdir()), part=release.part)
    return placement


@contextmanager
def unpacked(release: ReleaseFile, open_object: OpenObject) -> Iterator[ModelFiles]:
    """Unpack the archive for as long as it is loaded: neither /tmp nor the snapshot shall hold the model twice.

    A custom model's own files stay, for its code to read.
    """
    with ExitStack() as removed:
        folder = Path(tempfile.mkdtemp(prefix="model-"))
        removed.callback(shutil.rmtree, folder)
        files = read_archive(release.archive, open_object, folder)
        yield files
        if files.code is not None:
            files.model.unlink()
            removed.pop_all()


def require_library(manifest: ArchiveManifest, *, exactly: bool) -> None:
    """Raise RuntimeMissing where the model's library is not there; RuntimeMismatch where it is another than was proved.

    Only an installed library can be another one: a runtime bundle is named by its digest.
    """
    name = LIBRARY_OF[manifest.format]
    if not is_importable(name):
        raise RuntimeMissing(
            f"The release of {manifest.name} names no runtime bundle, and {name} is not installed here: build and "
            f"upload one with `model-tools runtime build --name {name}` and publish again, or serve it from an image "
            f"with {name} in it."
        )
    proved = manifest.library_version.partition("+")[0]
    installed = _installed(name)
    if exactly and installed is not None and installed != proved:
        raise RuntimeMismatch(
            f"{manifest.name} was proved with {name} {proved}, and {name} {installed} is installed here: build the "
            "image with that version, or publish the model again."
        )


def _installed(name: Library) -> str | None:
    for distribution in (name, f"{name}-cpu"):
        try:
            return version(distribution).partition("+")[0]
        except PackageNotFoundError:
            continue
    return None


def _listed(environment: Mapping[str, str], name: str) -> frozenset[str]:
    return frozenset(filter(None, (part.strip() for part in environment.get(name, "").split(","))))
