"""The argument MODEL: a folder, a `.tar.gz` or one checkpoint file on this machine.

A model is checked before anything of it is sent, by the same rules as in the workflow, so that its user hears at once
of what the workflow would refuse minutes later.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from model_tools.aws.uploads import Etag, Upload
from model_tools.cli.errors import UserError
from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelNotFound
from model_tools.formats.manifest import (
    CHECKPOINT_SUFFIXES,
    MANIFEST_NAME,
    Manifest,
)
from model_tools.formats.manifest_place import is_near_name, near_names_text, present_text
from model_tools.formats.paths import folder_text, is_hidden, matching, normal_path
from model_tools.formats.pin import ARCHIVE_SUFFIXES
from model_tools.packaging.checkpoint.archive_manifest import read_archive_manifest
from model_tools.packaging.checkpoint.folder_files import files_below
from model_tools.packaging.checkpoint.model_folder import names_in
from model_tools.packaging.custom.wheels import WHEELS_GLOB
from model_tools.tasks.manifests import globs_of, named_files, own_code_of, read_manifest

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

    @property
    def checkpoint(self) -> Path | None:
        """The checkpoint's file; None for one that is in an archive."""
        wanted = self.manifest.checkpoint
        return next(
            (path for path in self.files if normal_path(path.relative_to(self.root).as_posix()) == wanted), None
        )


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
        return LocalModel(manifest, (path,), path.parent, _normal_name(path))
    if path.name == MANIFEST_NAME or is_near_name(path.name):
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
    own = [(normal_path(path.relative_to(model.root).as_posix()), path) for path in model.files]
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
    present = files_below(folder, names_in(manifest))
    named = _named(manifest, present)
    files = tuple(path for name, path in present.items() if name in named or not is_hidden(name))
    return LocalModel(manifest, files, folder, "", _requirements(manifest, present))


def _one_checkpoint(path: Path) -> LocalModel:
    """Return a checkpoint with the files that its manifest names; other checkpoints in its folder are not uploaded."""
    folder = path.parent
    manifest = _read_manifest(folder)
    name = _normal_name(path)
    if manifest.checkpoint != name:
        raise ManifestInvalid(
            f"{folder / MANIFEST_NAME} publishes {manifest.checkpoint!r}, but you named {path.name!r}: correct one of "
            "the two."
        )
    present = files_below(folder, names_in(manifest))
    named = _named(manifest, present)
    if manifest.architecture or own_code_of(manifest) is not None:
        named |= {name for name in present if name.endswith(".py") and not is_hidden(name)}
    files = tuple(file for key, file in present.items() if key in named)
    return LocalModel(manifest, files, folder, name, _requirements(manifest, present))


def _normal_name(path: Path) -> str:
    """Return the normal form of a file's name, which is its key below the upload's prefix. Raises UserError."""
    try:
        return normal_path(path.name)
    except ValueError as error:
        raise UserError(f"The file {error}.") from error


def _requirements(manifest: Manifest, present: Mapping[str, Path]) -> Path | None:
    own = own_code_of(manifest)
    return None if own is None or own.requirements is None else present[own.requirements]


def _named(manifest: Manifest, present: Mapping[str, Path]) -> set[str]:
    """Return the manifest's own name and all that it names. Raises ModelNotFound for what is not there."""
    home = present[MANIFEST_NAME]
    for field, wanted in named_files(manifest).items():
        if wanted not in present:
            raise ModelNotFound(
                f"{home} names {field}: {wanted}, which is not in {home.parent}. Add it, or correct the field. "
                f"{present_text(wanted, present)}."
            )
    if manifest.samples and not matching(manifest.samples, present):
        raise ModelNotFound(
            f"{home} names samples: {manifest.samples}, which fits no file in {home.parent}. Add samples, or correct "
            f"the field.{folder_text(manifest.samples, present)}"
        )
    globs = [*globs_of(manifest), *([WHEELS_GLOB] if own_code_of(manifest) is not None else [])]
    globbed = {name for glob in globs for name in matching(glob, present)}
    return {MANIFEST_NAME, *named_files(manifest).values(), *globbed}


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST_NAME
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelNotFound(f"{folder} has no {MANIFEST_NAME}{near_names_text(files_below(folder))}") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}).") from error
    return read_manifest(text, where=str(path))


def _manifest_in_archive(path: Path) -> bytes:
    try:
        with gzip.open(path, "rb") as inflated:
            return read_archive_manifest(cast("IO[bytes]", inflated), where=str(path))
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise CheckpointRejected(
            f"{path} is not a tar.gz that can be read ({error}): pack it anew with `tar czf`."
        ) from error
