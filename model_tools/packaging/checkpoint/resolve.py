"""Pins the checkpoint that a model URI names: finds its objects, and the present version of each.

A model URI names a folder, its `publish.yaml`, a checkpoint file with a `publish.yaml` beside it, or a `.tar.gz` that
holds a folder. Only the manifest is read here; weights stay where they are.
"""

import tarfile
from typing import IO

from isal import igzip_threaded

from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelNotFound, ModelTooLarge
from model_tools.formats.manifest import (
    CHECKPOINT_SUFFIXES,
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
)
from model_tools.formats.manifest_place import is_near_name, near_names_text, present_text
from model_tools.formats.paths import is_foreign
from model_tools.formats.pin import ARCHIVE_SUFFIXES, Pin, PinnedFile
from model_tools.formats.s3_keys import encoded_text
from model_tools.packaging.checkpoint.archive_manifest import read_archive_manifest
from model_tools.packaging.checkpoint.folder_files import by_normal_path
from model_tools.packaging.checkpoint.store import CheckpointStore
from model_tools.tasks.manifests import named_files, read_manifest

MAX_FILES = 10_000
"""The largest number of files in a model's folder."""


def resolve_checkpoint(model_uri: str, store: CheckpointStore) -> Pin:
    """Return the pin of the checkpoint that a model URI names now.

    Raises ModelNotFound, ManifestInvalid, ModelTooLarge, or CheckpointRejected for a damaged archive.
    """
    if model_uri.endswith(ARCHIVE_SUFFIXES):
        return _pin_archive(model_uri, store)
    name = model_uri.rpartition("/")[2]
    if model_uri.endswith("/"):
        folder = model_uri
    elif name == MANIFEST_NAME or is_near_name(name) or name.endswith(CHECKPOINT_SUFFIXES):
        folder = model_uri.removesuffix(name)
    else:
        folder = f"{model_uri}/"
    pin = _pin_folder(folder, store)
    if name.endswith(CHECKPOINT_SUFFIXES) and name not in _names_of_checkpoint(pin):
        raise ManifestInvalid(
            f"{folder}{MANIFEST_NAME} publishes {pin.manifest.checkpoint!r}, but the model URI names {name!r}: "
            "correct one of the two."
        )
    return pin


def _names_of_checkpoint(pin: Pin) -> set[str]:
    """Return the checkpoint's path in the manifest's spelling and, where S3 has another spelling of it, in S3's."""
    folder = next(file.uri for file in pin.files if file.path == MANIFEST_NAME).removesuffix(MANIFEST_NAME)
    stored = {file.uri.removeprefix(folder) for file in pin.files if file.path == pin.manifest.checkpoint}
    return {pin.manifest.checkpoint, *stored}


def _pin_folder(folder: str, store: CheckpointStore) -> Pin:
    uris = []
    for uri in store.list_keys(folder):
        # The S3 console makes an empty object for a folder.
        if not uri.endswith("/") and not is_foreign(uri.removeprefix(folder)):
            uris.append(uri)
        if len(uris) > MAX_FILES:
            raise ModelTooLarge(f"{folder} holds more than {MAX_FILES:,} files; name the model's own folder.")
    if not uris:
        raise ModelNotFound(
            f"There is nothing at {folder}: correct the model URI, or upload the model first.{encoded_text(folder)}"
        )
    found = by_normal_path((uri.removeprefix(folder).lstrip("/"), uri) for uri in sorted(uris))
    if MANIFEST_NAME not in found:
        raise ModelNotFound(f"{folder} has no {MANIFEST_NAME}{near_names_text(found)}")
    files = [_pin_file(uri, path, store) for path, uri in found.items()]
    pinned_manifest = next(file for file in files if file.path == MANIFEST_NAME)
    text = store.read(pinned_manifest.uri, max_bytes=MAX_MANIFEST_BYTES, version_id=pinned_manifest.version_id)
    manifest = read_manifest(text, where=pinned_manifest.uri)
    present = {file.path for file in files}
    for field, wanted in named_files(manifest).items():
        if wanted not in present:
            raise ModelNotFound(
                f"{pinned_manifest.uri} names {field}: {wanted}, which is not in {folder}. Upload it, or correct "
                f"the field. {present_text(wanted, present)}."
            )
    return Pin(kind="folder", files=files, manifest=manifest)


def _pin_archive(uri: str, store: CheckpointStore) -> Pin:
    file = _pin_file(uri, uri.rpartition("/")[2], store)
    with store.open(uri, version_id=file.version_id) as stream:
        text = _read_manifest_member(stream, uri)
    return Pin(kind="archive", files=[file], manifest=read_manifest(text, where=f"{uri}: {MANIFEST_NAME}"))


def _pin_file(uri: str, path: str, store: CheckpointStore) -> PinnedFile:
    seen = store.look_up(uri)
    return PinnedFile(path=path, uri=uri, version_id=seen.version_id, size=seen.size, etag=seen.etag)


def _read_manifest_member(stream: IO[bytes], uri: str) -> bytes:
    try:
        with igzip_threaded.open(stream, "rb", threads=1) as inflated:  # type: ignore[no-untyped-call]
            return read_archive_manifest(inflated, where=uri)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CheckpointRejected(
            f"{uri} is not a tar.gz that can be read ({error or type(error).__name__}): pack it anew with `tar czf`."
        ) from error
