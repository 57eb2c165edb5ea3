"""`model.tar.gz` as serving takes it in: streamed once, measured, verified, and only then used."""

import errno
import hashlib
import io
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from isal import igzip, igzip_lib
from typing_extensions import Buffer

from model_tools.archive_format import CLASSES_MEMBER, MANIFEST_MEMBER, MEMBERS, MODEL_MEMBER, ArchiveManifest
from model_tools.errors import ModelTooLarge
from model_tools.release_file import ArchiveReference

OpenObject = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens an object by its URI as a stream of bytes."""
CHUNK = 1 << 20
MAX_MEMBER_BYTES = 8 << 30


class ArchiveDamaged(Exception):
    """The archive is not the one that was released; the version must not serve."""


@dataclass(frozen=True)
class ModelFiles:
    """The verified contents of an archive."""

    manifest: ArchiveManifest
    classes: tuple[str, ...]
    """Empty where the task has none."""
    model: Path


class _Hashed(io.RawIOBase):
    """A stream that keeps the digest of what was read from it, and ends at the size that it must have."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveDamaged("the archive is longer than the one that was released.")
        self.digest.update(data)
        view[: len(data)] = data
        return len(data)


def read_archive(reference: ArchiveReference, open_object: OpenObject, folder: Path) -> ModelFiles:
    """Write the archive's members into a folder, in one pass over its bytes, and return what they hold.

    Raises ArchiveDamaged when the bytes are not those that the reference names, or hold anything unexpected, and
    ModelTooLarge when the folder cannot hold them.
    """
    with open_object(reference.uri) as stream:
        hashed = _Hashed(stream, reference.size)
        try:
            names = _extract(hashed, folder)
        except (tarfile.TarError, igzip_lib.IsalError, OSError, EOFError) as error:  # type: ignore[misc]
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise ModelTooLarge(
                    f"{reference.uri} does not fit into the function's /tmp once unpacked: publish a smaller model."
                ) from error
            raise ArchiveDamaged(f"{reference.uri} cannot be unpacked ({error}): publish the model again.") from error
        while hashed.read(CHUNK):
            pass  # padding after the archive's end counts too
    if hashed.digest.hexdigest() != reference.sha256:
        raise ArchiveDamaged(f"{reference.uri} is not the archive that was released: its SHA-256 differs.")
    if missing := {MANIFEST_MEMBER, MODEL_MEMBER} - names:
        raise ArchiveDamaged(f"{reference.uri} lacks {', '.join(sorted(missing))}: publish the model again.")
    manifest = ArchiveManifest.model_validate_json((folder / MANIFEST_MEMBER).read_bytes())
    classes = _read_classes(folder / CLASSES_MEMBER) if CLASSES_MEMBER in names else ()
    return ModelFiles(manifest, classes, folder / MODEL_MEMBER)


def _read_classes(path: Path) -> tuple[str, ...]:
    # Not splitlines(): a name may hold U+2028 and its like.
    return tuple(path.read_bytes().decode("utf-8").removesuffix("\n").split("\n"))


def _extract(stream: _Hashed, folder: Path) -> set[str]:
    names: set[str] = set()
    with (
        igzip.IGzipFile(fileobj=stream, mode="rb") as inflated,  # type: ignore[no-untyped-call]
        tarfile.open(fileobj=inflated, mode="r|") as archive,
    ):
        for member in archive:
            if member.name not in MEMBERS or member.name in names or not member.isreg():
                raise ArchiveDamaged(f"the archive holds {member.name!r}, which no release has there.")
            if member.size > MAX_MEMBER_BYTES:
                raise ArchiveDamaged(f"{member.name} has {member.size:,} bytes; {MAX_MEMBER_BYTES:,} are the limit.")
            names.add(member.name)
            content = archive.extractfile(member)
            with (folder / member.name).open("wb") as file:
                while content and (data := content.read(CHUNK)):
                    file.write(data)
    return names
