"""Writes `model.tar.gz` reproducibly, as a stream that is digested on its way, and digests members of a written one."""

import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from isal import igzip, igzip_threaded

from model_tools.formats.archive import CODE_PREFIX, MEMBERS, MODEL_MEMBERS
from model_tools.formats.paths import is_inside
from model_tools.formats.sizes import MIB

LEVEL = 1
"""The level of compression. Weights hardly compress: higher levels take time and save next to nothing."""
THREADS = 2
"""The number of threads that compress. The bytes do not depend on it, since isal cuts blocks by size."""
CHUNK = MIB
"""Bytes that are read or written at once."""


@dataclass(frozen=True)
class WrittenArchive:
    """The digest and the size of an archive on disk."""

    sha256: str
    size: int
    """The size of the file in bytes."""


class _Hashing(io.RawIOBase):
    """Writes to a file and digests all bytes that are written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # isal writes bytes only
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


def write_archive(target: Path, members: Mapping[str, bytes | Path]) -> WrittenArchive:
    """Write the members, in the format's order, to a `.tar.gz` whose bytes depend on their contents alone.

    Small members are given as bytes; large ones as paths, which are streamed. Code stands before the model, sorted by
    name. Raises ValueError for a name that the format does not know.
    """
    code = sorted(name for name in members if is_code(name))
    if unknown := set(members) - set(MEMBERS) - set(code):
        raise ValueError(f"{', '.join(sorted(unknown))} are no members of a model archive")
    with target.open("wb") as file:
        sink = _Hashing(file)
        with (
            _packing(sink) as packed,
            tarfile.open(  # type: ignore[call-overload]  # typeshed lacks copybufsize, by which whole chunks are copied
                fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT, bufsize=CHUNK, copybufsize=CHUNK
            ) as tar,
        ):
            small = [name for name in MEMBERS if name not in MODEL_MEMBERS.values()]
            for name in (*small, *code, *MODEL_MEMBERS.values()):
                if name in members:
                    _add(tar, name, members[name])
    return WrittenArchive(sink.digest.hexdigest(), sink.size)


def is_code(name: str) -> bool:
    """Tell whether a member is one of a custom model's files."""
    return name.startswith(CODE_PREFIX) and is_inside(name.removeprefix(CODE_PREFIX))


def member_sha256(archive: Path, name: str) -> str:
    """Return the digest of one member's contents, 64 hex digits. Raises KeyError if there is no such member."""
    with _unpacking(archive) as packed, tarfile.open(fileobj=packed, mode="r|", bufsize=CHUNK) as tar:
        for member in tar:
            contents = tar.extractfile(member) if member.name == name else None
            if contents is not None:
                digest = hashlib.sha256()
                while chunk := contents.read(CHUNK):
                    digest.update(chunk)
                return digest.hexdigest()
    raise KeyError(name)


def _packing(sink: _Hashing) -> BinaryIO:
    packed: BinaryIO = igzip_threaded.open(sink, "wb", compresslevel=LEVEL, threads=THREADS)  # type: ignore[no-untyped-call]
    return packed


def _unpacking(archive: Path) -> BinaryIO:
    packed: BinaryIO = igzip.open(archive, "rb")  # type: ignore[no-untyped-call]
    return packed


def _add(tar: tarfile.TarFile, name: str, contents: bytes | Path) -> None:
    entry = tarfile.TarInfo(name)  # its defaults are mode 0644, no owner and the time 0
    if isinstance(contents, bytes):
        entry.size = len(contents)
        tar.addfile(entry, io.BytesIO(contents))
        return
    entry.size = contents.stat().st_size
    with contents.open("rb") as file:
        tar.addfile(entry, file)
