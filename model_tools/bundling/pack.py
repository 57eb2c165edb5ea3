"""Packs a folder as a bundle; the same folder gives the same bytes, on any machine and with any number of cores."""

import hashlib
import os
import tarfile
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

import zstandard

from model_tools.formats.runtime_reference import BLOCK, Part, room_taken

CHUNK = 1 << 20
"""Bytes that are read at once."""
END_OF_TAR = bytes(2 * tarfile.BLOCKSIZE)
"""The two empty blocks that end every tar."""


@dataclass(frozen=True)
class PackedBundle:
    """The digests and sizes of a bundle and of its beginning, which serving needs."""

    serving: Part
    whole: Part


def pack_tree(folder: Path, bundle: Path, *, serving: Collection[str], level: int) -> PackedBundle:
    """Write a folder's files as a bundle, with a first frame of the files that serving needs.

    `serving` holds these files' names; `level` is zstd's level of compression.
    """
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = sorted((path.relative_to(folder).as_posix() for path in paths), key=_order)
    first = [name for name in names if name in serving]
    rest = [name for name in names if name not in serving]
    with bundle.open("wb") as file:
        written = _DigestingFile(file)
        _write_frame(written, folder, first, end=b"", level=level)
        beginning = written.part(folder, first)
        _write_frame(written, folder, rest, end=END_OF_TAR, level=level)
        return PackedBundle(serving=beginning, whole=written.part(folder, names))


class _DigestingFile:
    """Writes to a file and keeps the digest of all bytes written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._size += len(data)
        return self._file.write(data)

    def part(self, folder: Path, names: Collection[str]) -> Part:
        """Return the digest and sizes of the bytes written so far, which hold the files of these names."""
        folders = {parent for name in names for parent in PurePosixPath(name).parents}
        room = sum(room_taken((folder / name).stat().st_size) for name in names) + BLOCK * len(folders)
        return Part(sha256=self._digest.hexdigest(), size=self._size, unpacked_size=max(room, 1))


def _write_frame(written: _DigestingFile, folder: Path, names: Iterable[str], *, end: bytes, level: int) -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level,
        # The bytes are the same for any number of threads from 1 on, and others for 0.
        threads=max(1, os.cpu_count() or 1),
        write_checksum=True,
    )
    compressor = zstandard.ZstdCompressor(compression_params=parameters)
    with compressor.stream_writer(cast("IO[bytes]", written), closefd=False) as frame:
        for name in names:
            _add(frame, folder / name, name)
        frame.write(end)


def _add(frame: IO[bytes], path: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = path.stat().st_size
    member.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
    frame.write(member.tobuf(tarfile.USTAR_FORMAT))
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            frame.write(chunk)
    frame.write(bytes(-member.size % tarfile.BLOCKSIZE))


def _order(name: str) -> tuple[bool, str, str]:
    """Return a sort key that puts libraries last, and a source beside its compiled code, so that both pack better."""
    return ".so" in name.rpartition("/")[2], name.replace("__pycache__/", "").partition(".")[0], name
