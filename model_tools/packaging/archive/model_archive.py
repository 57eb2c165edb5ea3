"""`model.tar.gz`: written reproducibly, as a stream, its digest taken on the way; and read again to be sure of it."""

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
"""Weights hardly compress: higher levels cost time and gain next to nothing."""
THREADS = 2
"""The bytes do not depend on it: blocks are cut by size, not by thread."""
CHUNK = MIB


@dataclass(frozen=True)
class WrittenArchive:
    """An archive as it stands on disk."""

    sha256: str
    size: int
    """Bytes."""


class _Hashing(io.RawIOBase):
    """Writes through to a file and digests what passes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # what isal writes are bytes
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)


def write_archive(target: Path, members: Mapping[str, bytes | Path]) -> WrittenArchive:
    """Write the members, in the format's order, to a `.tar.gz` that is the same bytes for the same contents.

    Small members come as bytes, large ones as paths; these are streamed. Code stands before the model, in the order of
    its names. Raises ValueError for a name that the format has not.
    """
    code = sorted(name for name in members if is_code(name))
    if unknown := set(members) - set(MEMBERS) - set(code):
        raise ValueError(f"{', '.join(sorted(unknown))} are no members of a model archive")
    with target.open("wb") as file:
        sink = _Hashing(file)
        with (
            _packing(sink) as packed,
            tarfile.open(  # type: ignore[call-overload]  # typeshed lacks copybufsize: it hands on whole pieces
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
    """Return the digest of one member's contents, 64 hex digits. Raises KeyError if there is none."""
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
    entry = tarfile.TarInfo(name)  # mode 0644, no owner, the beginning of time
    if isinstance(contents, bytes):
        entry.size = len(contents)
        tar.addfile(entry, io.BytesIO(contents))
        return
    entry.size = contents.stat().st_size
    with contents.open("rb") as file:
        tar.addfile(entry, file)
