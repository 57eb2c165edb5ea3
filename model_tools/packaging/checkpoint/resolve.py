"""Pins the checkpoint that a model URI names: finds its objects, and the present version of each.

A model URI names a folder, its `publish.yaml`, a checkpoint file with a `publish.yaml` beside it, or a `.tar.gz` that
holds a folder. Only the manifest is read here; weights stay where they are.
"""

import tarfile
from pathlib import PurePosixPath
from typing import IO

from isal import igzip_threaded

from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelNotFound, ModelTooLarge
from model_tools.formats.manifest import (
    CHECKPOINT_SUFFIXES,
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
)
from model_tools.formats.pin import ARCHIVE_SUFFIXES, Pin, PinnedFile
from model_tools.packaging.checkpoint.store import CheckpointStore
from model_tools.tasks.manifests import named_files, read_manifest

MAX_FILES = 10_000
"""The largest number of files in a model's folder."""
MAX_INFLATED_BYTES = 16 << 30
"""The inflated bytes of an archive that are searched for its manifest."""


def resolve_checkpoint(model_uri: str, store: CheckpointStore) -> Pin:
    """Return the pin of the checkpoint that a model URI names now.

    Raises ModelNotFound, ManifestInvalid, ModelTooLarge, or CheckpointRejected for a damaged archive.
    """
    if model_uri.endswith(ARCHIVE_SUFFIXES):
        return _pin_archive(model_uri, store)
    name = PurePosixPath(model_uri).name
    if model_uri.endswith("/"):
        folder = model_uri
    elif name == MANIFEST_NAME or name.endswith(CHECKPOINT_SUFFIXES):
        folder = model_uri.removesuffix(name)
    else:
        folder = f"{model_uri}/"
    pin = _pin_folder(folder, store)
    if name.endswith(CHECKPOINT_SUFFIXES) and name != pin.manifest.checkpoint:
        raise ManifestInvalid(
            f"{folder}{MANIFEST_NAME} publishes {pin.manifest.checkpoint!r}, but the model URI names {name!r}: "
            "correct one of the two."
        )
    return pin


def _pin_folder(folder: str, store: CheckpointStore) -> Pin:
    uris = []
    for uri in store.list_keys(folder):
        if not uri.endswith("/"):  # the S3 console makes an empty object for a folder
            uris.append(uri)
        if len(uris) > MAX_FILES:
            raise ModelTooLarge(f"{folder} holds more than {MAX_FILES:,} files; name the model's own folder.")
    if not uris:
        raise ModelNotFound(f"There is nothing at {folder}: correct the model URI, or upload the model first.")
    if f"{folder}{MANIFEST_NAME}" not in uris:
        raise ModelNotFound(
            f"{folder} has no {MANIFEST_NAME}, which says how to publish what is in it. Add one; the README shows a "
            "complete example."
        )
    files = [_pin_file(uri, uri.removeprefix(folder), store) for uri in sorted(uris)]
    pinned_manifest = next(file for file in files if file.path == MANIFEST_NAME)
    text = store.read(pinned_manifest.uri, max_bytes=MAX_MANIFEST_BYTES, version_id=pinned_manifest.version_id)
    manifest = read_manifest(text, where=pinned_manifest.uri)
    present = {file.path for file in files}
    for field, wanted in named_files(manifest).items():
        if wanted not in present:
            raise ModelNotFound(
                f"{pinned_manifest.uri} names {field}: {wanted}, which is not in {folder}. Upload it, or correct "
                f"the field. There is: {', '.join(sorted(present)[:20])}."
            )
    return Pin(kind="folder", files=files, manifest=manifest)


def _pin_archive(uri: str, store: CheckpointStore) -> Pin:
    file = _pin_file(uri, PurePosixPath(uri).name, store)
    with store.open(uri, version_id=file.version_id) as stream:
        text = _read_manifest_member(stream, uri)
    return Pin(kind="archive", files=[file], manifest=read_manifest(text, where=f"{uri}: {MANIFEST_NAME}"))


def _pin_file(uri: str, path: str, store: CheckpointStore) -> PinnedFile:
    seen = store.look_up(uri)
    return PinnedFile(path=path, uri=uri, version_id=seen.version_id, size=seen.size, etag=seen.etag)


def _read_manifest_member(stream: IO[bytes], uri: str) -> bytes:
    """Return the manifest's bytes from an archive, which is read no further than the manifest."""
    searched = 0
    try:
        with (
            igzip_threaded.open(stream, "rb", threads=1) as inflated,  # type: ignore[no-untyped-call]
            tarfile.open(fileobj=inflated, mode="r|") as archive,
        ):
            for member in archive:
                searched += member.size
                if member.isfile() and PurePosixPath(member.name).name == MANIFEST_NAME:
                    if member.size > MAX_MANIFEST_BYTES:
                        raise ManifestInvalid(f"{uri}: {MANIFEST_NAME} is larger than {MAX_MANIFEST_BYTES:,} bytes.")
                    content = archive.extractfile(member)
                    return content.read() if content else b""
                if searched > MAX_INFLATED_BYTES:
                    raise ModelTooLarge(f"{uri} inflates beyond {MAX_INFLATED_BYTES:,} bytes before its manifest.")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CheckpointRejected(
            f"{uri} is not a tar.gz that can be read ({error}): pack and upload it again."
        ) from error
    raise ModelNotFound(f"{uri} has no {MANIFEST_NAME} in it: add one to the folder and pack it again.")
