"""Downloads a pinned checkpoint to this machine's disk."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from model_tools.errors import CheckpointRejected
from model_tools.formats.paths import is_inside
from model_tools.formats.pin import Pin, PinnedFile
from model_tools.packaging.checkpoint.model_folder import open_model_folder
from model_tools.packaging.checkpoint.store import CheckpointStore
from model_tools.packaging.checkpoint.unpack import unpack_checkpoint

PARALLEL_FILES = 8
"""The number of files that are downloaded at the same time."""


def fetch_checkpoint(pin: Pin, store: CheckpointStore, folder: Path) -> Path:
    """Write the pinned versions of all files below `folder` and return the folder that holds publish.yaml.

    Raises CheckpointRejected for a path that leaves the folder, and the errors of `unpack_checkpoint` for an archive.
    """
    folder.mkdir(parents=True)
    if pin.kind == "archive":
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            archive = Path(temporary, "checkpoint.tar.gz")
            store.download(pin.files[0].uri, archive, version_id=pin.files[0].version_id)
            unpacked = unpack_checkpoint(archive, folder)
        _require_same_manifest(pin, unpacked)
        return unpacked

    def fetch(file: PinnedFile) -> None:
        if not is_inside(file.path):
            raise CheckpointRejected(f"{file.uri} would be written outside the model's folder: rename it.")
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        store.download(file.uri, path, version_id=file.version_id)

    with ThreadPoolExecutor(PARALLEL_FILES) as pool:
        list(pool.map(fetch, pin.files))
    return folder


def _require_same_manifest(pin: Pin, unpacked: Path) -> None:
    """Raise CheckpointRejected when the unpacked manifest is not the one that gave the release its name."""
    if open_model_folder(unpacked).manifest != pin.manifest:
        raise CheckpointRejected(
            f"{pin.files[0].uri} was recorded by another manifest than the one that it unpacks to: pack one model, "
            "with one publish.yaml at its top."
        )
