"""`model.tar.gz` as serving takes it in: streamed once, measured, verified, and only then used."""

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
"""Bytes that go from thread to thread at once; larger ones only take more memory."""
MAX_MEMBER_BYTES = 8 << 30


class ArchiveDamaged(Exception):
    """The archive is not the one that was released; the version must not serve."""


@dataclass(frozen=True)
class ModelFiles:
    """The verified contents of an archive."""

    manifest: ArchiveManifest
    model: Path
    classes: tuple[str, ...] = ()
    """Empty where the task has none."""
    source_vocabulary: tuple[str, ...] = ()
    target_vocabulary: tuple[str, ...] = ()
    """A token's place is its id. Empty where the task reads, or writes, no text."""
    code: Path | None = None
    """The folder of a custom model's own files."""


class _CheckedStream(io.RawIOBase):
    """A stream that ends at the size that it must have, and keeps what was read from it until it is digested.

    It is read in one thread, which inflates, and digested in the other, which writes.
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
        """Digest what was read so far."""
        while self._pending:
            self._digest.update(self._pending.popleft())

    def finish(self) -> str:
        """Read what is left, which is padding, and return the digest of everything."""
        while self.read(PIECE):
            self.digest_pending()
        self.digest_pending()
        return self._digest.hexdigest()


def read_archive(reference: ArchiveReference, open_object: OpenObject, folder: Path) -> ModelFiles:
    """Write the archive's members into a folder, in one pass over its bytes, and return what they hold.

    Raises ArchiveDamaged when the bytes are not those that the reference names, or hold anything unexpected, and
    ModelTooLarge when the folder cannot hold them.
    """
    with open_object(reference.uri) as stream, _faults_of(reference):
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
def _faults_of(reference: ArchiveReference) -> Iterator[None]:
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
    # Not splitlines(): a name may hold U+2028 and its like.
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
