"""Starts the inference function, once: loads the library, the archive and the model, and prepares for the snapshot."""

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


def _ignore_report(*_: object, **__: object) -> None:
    pass


@dataclass(frozen=True)
class Storage:
    """The calls to S3 that the function makes."""

    open: OpenObject
    read: ReadObject
    put: PutObject
    forget: Callable[[], None]
    """Ends connections and drops credentials; the next call opens new ones."""


def start(
    release: ReleaseFile,
    storage: Storage,
    environment: Mapping[str, str],
    load_task: LoadTask,
    report: Callable[..., object] = _ignore_report,
) -> tuple[ServedModel, ResultStore | None]:
    """Return the released model, loaded and warmed up, and the store for its large answers, None without a bucket.

    Raises RuntimeMissing, RuntimeDamaged, RuntimeMismatch, ArchiveDamaged or ModelTooLarge. An error here makes the
    version's snapshot fail, and Lambda reports the error as the reason.
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
    """Make the library that runs the model importable, and return the place of its bundle.

    An installed library, as in a container image, is used as it is; None is returned then.
    """
    # Serving needs no NumPy, so the bundle has none, and torch would warn of that at import.
    warnings.filterwarnings("ignore", "Failed to initialize NumPy", UserWarning)
    runtime = release.runtime
    if runtime is None or is_importable(runtime.name):
        return None
    placement, _ = place_bundle(runtime.part(release.part).unpacked_size, release.archive.unpacked, wish=wish)
    provide_runtime(runtime, open_object, placement, folder=Path(tempfile.gettempdir()), part=release.part)
    return placement


@contextmanager
def unpacked(release: ReleaseFile, open_object: OpenObject) -> Iterator[ModelFiles]:
    """Unpack the archive, and remove its files after the block: neither /tmp nor the snapshot shall hold a model twice.

    The code and data files of a custom model stay, since its code may read them later.
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
    """Raise RuntimeMissing unless the model's library can be imported, and RuntimeMismatch for a version not proved.

    The version is compared if `exactly` is true, which is for an installed library: a runtime bundle needs no
    comparison, since its digest names it.
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
