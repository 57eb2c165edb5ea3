"""The argument MODEL: a folder, a `.tar.gz` or one checkpoint file on this machine.

A model is checked before anything of it is sent, by the same rules as in the workflow, so that its user hears at once
of what the workflow would refuse minutes later.
"""

import hashlib
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from model_tools.aws.uploads import Etag, Upload
from model_tools.cli.errors import UserError
from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelNotFound
from model_tools.formats.manifest import (
    CHECKPOINT_SUFFIXES,
    MANIFEST_NAME,
    MAX_MANIFEST_BYTES,
    Manifest,
)
from model_tools.formats.pin import ARCHIVE_SUFFIXES
from model_tools.packaging.custom.wheels import WHEELS_FOLDER
from model_tools.tasks.manifests import named_files, own_code_of, read_manifest

CHUNK = 1 << 20
"""Bytes that are read at a time."""
DIGEST_DIGITS = 16
"""Hexadecimal digits of a digest that name an upload's folder."""


@dataclass(frozen=True)
class LocalModel:
    """A model on this machine: its files and its checked manifest."""

    manifest: Manifest
    files: tuple[Path, ...]
    root: Path
    """The folder that the files' keys in S3 are relative to."""
    start: str
    """The file that the model URI names below the upload's prefix; empty for the whole folder."""
    requirements: Path | None = None
    """A custom model's requirements file: it pins the packages whose wheels belong into `wheels/`."""
    added: tuple[tuple[str, Path], ...] = ()
    """Further files from outside the folder, each after its key below the upload's prefix."""

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name


@dataclass(frozen=True)
class PreparedUpload:
    """The uploads of a local model, with the digests of its files."""

    uploads: tuple[Upload, ...]
    prefix: str
    """`uploads/<name>/<digest>/`: the same contents always go to the same place."""
    model_key: str
    """The key that the model URI names: the prefix, or a file below it."""


def find_model(path: Path) -> LocalModel:
    """Return the model at a local path, its manifest checked.

    Raises ModelNotFound, ManifestInvalid or CheckpointRejected as the workflow would, UserError for what is no model.
    """
    if path.is_dir():
        return _whole_folder(path)
    if not path.is_file():
        raise ModelNotFound(f"There is no file or folder {path}: correct the path, or give an s3:// URI.")
    if path.name.endswith(ARCHIVE_SUFFIXES):
        manifest = read_manifest(_manifest_in_archive(path), where=f"{path}: {MANIFEST_NAME}")
        return LocalModel(manifest, (path,), path.parent, path.name)
    if path.name == MANIFEST_NAME:
        return _whole_folder(path.parent)
    if path.name.endswith(CHECKPOINT_SUFFIXES):
        return _one_checkpoint(path)
    raise UserError(
        f"{path} is no model: give a folder with a {MANIFEST_NAME}, a .tar.gz of one, a checkpoint "
        f"({', '.join(CHECKPOINT_SUFFIXES)}) with a {MANIFEST_NAME} beside it, or an s3:// URI."
    )


def prepare_upload(model: LocalModel) -> PreparedUpload:
    """Read every file once and return the uploads. Raises UserError for a file that cannot be read."""
    digest = hashlib.sha256()
    uploads = []
    own = [(path.relative_to(model.root).as_posix(), path) for path in model.files]
    for key, path in sorted([*own, *model.added]):
        etag, contents, count = Etag(), hashlib.sha256(), 0
        try:
            with path.open("rb") as file:
                while data := file.read(CHUNK):
                    etag.update(data)
                    contents.update(data)
                    count += len(data)
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror}).") from error
        digest.update(f"{key}\0{contents.hexdigest()}\n".encode())
        uploads.append(Upload(path, key, count, etag.value()))
    prefix = f"uploads/{model.name}/{digest.hexdigest()[:DIGEST_DIGITS]}/"
    return PreparedUpload(tuple(uploads), prefix, prefix + model.start)


def _whole_folder(folder: Path) -> LocalModel:
    manifest = _read_manifest(folder)
    files = tuple(_files_in(folder))
    _check_named_files(folder, manifest, files)
    return LocalModel(manifest, files, folder, "", _requirements(folder, manifest))


def _one_checkpoint(path: Path) -> LocalModel:
    """Return a checkpoint with the files that its manifest names; other checkpoints in its folder are not uploaded."""
    folder = path.parent
    manifest = _read_manifest(folder)
    if manifest.checkpoint != path.name:
        raise ManifestInvalid(
            f"{folder / MANIFEST_NAME} publishes {manifest.checkpoint!r}, but you named {path.name!r}: correct one of "
            "the two."
        )
    present = tuple(_files_in(folder))
    _check_named_files(folder, manifest, present)
    named = {folder / MANIFEST_NAME, *(folder / name for name in named_files(manifest).values())}
    globs = [manifest.samples] if manifest.samples else []
    own = own_code_of(manifest)
    if own is not None:
        globs += [*own.include, f"{WHEELS_FOLDER}/*.whl"]
    for glob in globs:
        named.update(folder.glob(glob))
    if manifest.architecture or own is not None:
        named.update(file for file in present if file.suffix == ".py")
    files = tuple(file for file in present if file in named)
    return LocalModel(manifest, files, folder, path.name, _requirements(folder, manifest))


def _requirements(folder: Path, manifest: Manifest) -> Path | None:
    own = own_code_of(manifest)
    return None if own is None or own.requirements is None else folder / own.requirements


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a folder in order, without hidden files and folders and without `__pycache__`."""
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__pycache__")
        for name in sorted(names):
            path = Path(directory, name)
            if not name.startswith(".") and path.is_file():
                yield path


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelNotFound(
            f"{folder} has no {MANIFEST_NAME}, which says how to publish what is in it. Add one; the README shows a "
            "complete example."
        ) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    return read_manifest(text, where=str(path))


def _check_named_files(folder: Path, manifest: Manifest, files: tuple[Path, ...]) -> None:
    for field, wanted in named_files(manifest).items():
        if folder / wanted not in files:
            raise ModelNotFound(
                f"{folder / MANIFEST_NAME} names {field}: {wanted}, which is not in {folder}. Add it, or correct the "
                "field."
            )
    if manifest.samples and not any(folder.glob(manifest.samples)):
        raise ModelNotFound(
            f"{folder / MANIFEST_NAME} names samples: {manifest.samples}, which fits no file in {folder}. Add samples, "
            "or correct the field."
        )


def _manifest_in_archive(path: Path) -> bytes:
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                if member.isfile() and PurePosixPath(member.name).name == MANIFEST_NAME:
                    content = archive.extractfile(member)
                    return content.read(MAX_MANIFEST_BYTES + 1) if content else b""
    except (tarfile.TarError, OSError, EOFError) as error:
        raise CheckpointRejected(f"{path} is not a tar.gz that can be read ({error}): pack it again.") from error
    raise ModelNotFound(f"{path} has no {MANIFEST_NAME} in it: add one to the folder and pack it again.")
