"""Reads `model.tar.gz` for serving: streams it once, measures and verifies it, and only then lets it be used."""

import errno
import hashlib
import io
import tarfile
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from isal import igzip_lib, igzip_threaded
from pydantic import ValidationError
from typing_extensions import Buffer

from model_tools.errors import ModelTooLarge
from model_tools.formats.archive import (
    CLASSES_MEMBER,
    CODE_PREFIX,
    MANIFEST_MEMBER,
    MAX_CODE_BYTES,
    MAX_CODE_FILES,
    MEMBERS,
    MODEL_MEMBERS,
    SOURCE_VOCABULARY_MEMBER,
    TARGET_VOCABULARY_MEMBER,
    ArchiveManifest,
)
from model_tools.formats.paths import is_inside
from model_tools.formats.release_file import ArchiveReference

OpenObject = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens an object by its URI as a stream of bytes."""
PIECE = 1 << 17
"""Bytes that are handed from thread to thread at once; larger pieces are no faster and take more memory."""
MAX_MEMBER_BYTES = 8 << 30
"""The largest size of a member; a function has 10 GB of /tmp at most."""


class ArchiveDamaged(Exception):
    """The archive is not the one that was released, so the version must not serve."""


@dataclass(frozen=True)
class ModelFiles:
    """The verified contents of an archive."""

    manifest: ArchiveManifest
    model: Path
    classes: tuple[str, ...] = ()
    """The names of the classes; empty for a model without classes."""
    source_vocabulary: tuple[str, ...] = ()
    """The tokens by their ids; empty for a model that reads no text."""
    target_vocabulary: tuple[str, ...] = ()
    """The tokens by their ids; empty for a model that writes no text."""
    code: Path | None = None
    """The folder of a custom model's own files; None for other models."""


class _CheckedStream(io.RawIOBase):
    """A stream that refuses more bytes than it should have, and keeps the bytes read until they are digested.

    One thread reads and inflates, the other digests and writes to the disk.
    """

    def __init__(self, stream: IO[bytes], size: int) -> None:
        self._stream = stream
        self._left = size
        self._pending: deque[bytes] = deque()
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise ArchiveDamaged("the archive is longer than the one that was released.")
        self._pending.append(data)
        view[: len(data)] = data
        return len(data)

    def digest_pending(self) -> None:
        """Add the bytes that were read so far to the digest."""
        while self._pending:
            self._digest.update(self._pending.popleft())

    def finish(self) -> str:
        """Read the rest, which is padding, and return the digest of the whole stream."""
        while self.read(PIECE):
            self.digest_pending()
        self.digest_pending()
        return self._digest.hexdigest()


def read_archive(reference: ArchiveReference, open_object: OpenObject, folder: Path) -> ModelFiles:
    """Write the archive's members into a folder, in one pass over the archive's bytes, and return them.

    Raises ArchiveDamaged for an archive with another digest than the reference's or with unexpected members, and
    ModelTooLarge when the disk cannot hold the members.
    """
    with open_object(reference.uri) as stream, _translated_errors(reference):
        measured = _CheckedStream(stream, reference.size)
        names = _extract(measured, folder)
        digest = measured.finish()
    if digest != reference.sha256:
        raise ArchiveDamaged(f"{reference.uri} is not the archive that was released: its SHA-256 differs.")
    if MANIFEST_MEMBER not in names:
        raise ArchiveDamaged(f"{reference.uri} lacks {MANIFEST_MEMBER}: publish the model again.")
    try:
        manifest = ArchiveManifest.model_validate_json((folder / MANIFEST_MEMBER).read_bytes())
    except ValidationError as error:
        raise ArchiveDamaged(
            f"{reference.uri} has a {MANIFEST_MEMBER} of another time ({error.error_count()} fields differ): publish "
            "the model again."
        ) from error
    model = MODEL_MEMBERS[manifest.format]
    if model not in names:
        raise ArchiveDamaged(f"{reference.uri} lacks {model}: publish the model again.")
    return ModelFiles(
        manifest=manifest,
        model=folder / model,
        classes=_read_lines(folder / CLASSES_MEMBER),
        source_vocabulary=_read_lines(folder / SOURCE_VOCABULARY_MEMBER),
        target_vocabulary=_read_lines(folder / TARGET_VOCABULARY_MEMBER),
        code=folder / CODE_PREFIX.rstrip("/") if any(name.startswith(CODE_PREFIX) for name in names) else None,
    )


@contextmanager
def _translated_errors(reference: ArchiveReference) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, igzip_lib.IsalError, OSError, EOFError) as error:  # type: ignore[misc]
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise ModelTooLarge(
                f"{reference.uri} does not fit into the function's /tmp once unpacked: publish a smaller model."
            ) from error
        raise ArchiveDamaged(f"{reference.uri} cannot be unpacked ({error}): publish the model again.") from error


def _read_lines(path: Path) -> tuple[str, ...]:
    if not path.exists():
        return ()
    # splitlines() would also split at U+2028 and other characters that a name may hold.
    return tuple(path.read_bytes().decode("utf-8").removesuffix("\n").split("\n"))


def _extract(stream: _CheckedStream, folder: Path) -> set[str]:
    names: set[str] = set()
    code_bytes = 0
    with (
        igzip_threaded.open(stream, "rb", threads=1, block_size=PIECE) as inflated,  # type: ignore[no-untyped-call]
        tarfile.open(fileobj=inflated, mode="r|", bufsize=PIECE) as archive,
    ):
        for member in archive:
            is_code = member.name.startswith(CODE_PREFIX) and is_inside(member.name.removeprefix(CODE_PREFIX))
            if not (member.name in MEMBERS or is_code) or member.name in names or not member.isreg():
                raise ArchiveDamaged(f"the archive holds {member.name!r}, which no release has there.")
            code_bytes += member.size if is_code else 0
            if member.size > MAX_MEMBER_BYTES or code_bytes > MAX_CODE_BYTES or len(names) > MAX_CODE_FILES:
                raise ArchiveDamaged(f"{member.name}, of {member.size:,} bytes, is more than a release may hold.")
            names.add(member.name)
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            content = archive.extractfile(member)
            with target.open("wb", buffering=0) as file:
                while content and (data := content.read(PIECE)):
                    _write(file, data)
                    stream.digest_pending()
    return names


def _write(file: io.FileIO, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
