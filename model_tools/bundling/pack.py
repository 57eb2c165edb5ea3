"""From a folder to the bundle's bytes: the same folder gives the same bytes, whoever packs it and on how many cores."""

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
END_OF_TAR = bytes(2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True)
class PackedBundle:
    """The measures of a bundle and of its beginning."""

    serving: Part
    whole: Part


def pack_tree(folder: Path, bundle: Path, *, serving: Collection[str], level: int) -> PackedBundle:
    """Write a folder's files as a bundle: those that serving needs first, by name, in a frame of their own."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    names = sorted((path.relative_to(folder).as_posix() for path in paths), key=_order)
    first = [name for name in names if name in serving]
    rest = [name for name in names if name not in serving]
    with bundle.open("wb") as file:
        written = _Digesting(file)
        _write_frame(written, folder, first, end=b"", level=level)
        beginning = written.part(folder, first)
        _write_frame(written, folder, rest, end=END_OF_TAR, level=level)
        return PackedBundle(serving=beginning, whole=written.part(folder, names))


class _Digesting:
    """Writes to a file and keeps the digest of what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._digest.update(data)
        self._size += len(data)
        return self._file.write(data)

    def part(self, folder: Path, names: Collection[str]) -> Part:
        """Return the measures of what was written so far, which is these files."""
        folders = {parent for name in names for parent in PurePosixPath(name).parents}
        room = sum(room_taken((folder / name).stat().st_size) for name in names) + BLOCK * len(folders)
        return Part(sha256=self._digest.hexdigest(), size=self._size, unpacked_size=max(room, 1))


def _write_frame(written: _Digesting, folder: Path, names: Iterable[str], *, end: bytes, level: int) -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level,
        # 0 would give other bytes than 1; 1 gives the same as any number above.
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
    """Libraries last, a source beside its compiled code, which repeats its texts: it packs better."""
    return ".so" in name.rpartition("/")[2], name.replace("__pycache__/", "").partition(".")[0], name
