"""Reads a runtime bundle once from front to back, measures and checks its files, and compares its digest.

A bundle is a tar of plain files, compressed by zstd in one frame for each part. Anything else in it (a link, a device,
a name that leads out of the folder, a file too many, a byte too many) is refused. The files must not be used before
the reading has come to its end, because only then is the digest known.
"""

import platform
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

import zstandard

from model_tools.errors import RuntimeDamaged, RuntimeMismatch
from model_tools.formats.paths import is_inside
from model_tools.formats.runtime_reference import PartName, RuntimeReference, room_taken
from model_tools.runtime.decompression import Decompressed

OpenObject = Callable[[str], AbstractContextManager[IO[bytes]]]
"""Opens an object by its URI as a stream of bytes."""
MAX_FILES = 50_000
"""The largest number of files in a part of a bundle."""
EXECUTABLE = 0o100
"""The bit of a file's mode by which its owner may execute it."""


@dataclass(frozen=True)
class BundledFile:
    """A file of a bundle; its contents can be read until the next file is asked for."""

    name: str
    """The file's path in the bundle, relative and with slashes."""
    size: int
    """The size of the file in bytes."""
    is_executable: bool
    chunks: Iterator[memoryview]
    """The contents in pieces, each valid until the next piece is asked for."""


def require_fitting(reference: RuntimeReference) -> None:
    """Raise RuntimeMismatch when a bundle was built for another Python or processor than this one."""
    here = (f"{sys.version_info.major}.{sys.version_info.minor}", platform.machine())
    if (reference.python, reference.platform) != here:
        raise RuntimeMismatch(
            f"The runtime bundle {reference.uri} is for Python {reference.python} on {reference.platform}, and this is "
            f"Python {here[0]} on {here[1]}: build one with `model-tools runtime build --name {reference.name} "
            f"--python {here[0]} --platform manylinux_2_28_{here[1]}`."
        )


def read_bundle(reference: RuntimeReference, open_object: OpenObject, part: PartName) -> Iterator[BundledFile]:
    """Yield the files of a part of a bundle while the part is fetched; no byte after the part is read.

    Raises RuntimeDamaged, after the last file at the latest, for bytes that are not those of the reference.
    """
    expected = reference.part(part)
    with (
        open_object(reference.uri) as stream,
        Decompressed(stream, expected.size) as tar,
        _translated_damage(reference),
    ):
        yield from _files(tar, reference, room=expected.unpacked_size)
        digest = tar.finish()
    if digest != expected.sha256:
        raise _damaged(reference, "is not the bundle that was named: its SHA-256 differs")


def _files(tar: Decompressed, reference: RuntimeReference, *, room: int) -> Iterator[BundledFile]:
    names: set[str] = set()
    # A part ends at the end of the stream; the last part ends with the zeros that end every tar.
    while not tar.at_end() and any(header := tar.read_exactly(tarfile.BLOCKSIZE)):
        member = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        name = member.name
        if member.type != tarfile.REGTYPE or not is_inside(name) or name != str(PurePosixPath(name)):
            raise _damaged(reference, f"holds {name!r}, which is no plain file inside it")
        if name in names or len(names) == MAX_FILES:
            raise _damaged(reference, f"holds {name!r} twice, or more than {MAX_FILES:,} files")
        names.add(name)
        room -= room_taken(member.size)
        if room < 0:
            raise _damaged(reference, "unpacks to more than it may")
        chunks = _chunks(tar, member.size, reference)
        yield BundledFile(name, member.size, bool(member.mode & EXECUTABLE), chunks)
        for _ in chunks:
            pass  # the caller may have left pieces unread
        tar.read_exactly(-member.size % tarfile.BLOCKSIZE)


def _chunks(tar: Decompressed, size: int, reference: RuntimeReference) -> Iterator[memoryview]:
    with _translated_damage(reference):  # the caller runs this generator, outside the block in read_bundle
        while size:
            chunk = tar.read(size)
            size -= len(chunk)
            yield chunk


@contextmanager
def _translated_damage(reference: RuntimeReference) -> Iterator[None]:
    try:
        yield
    except (zstandard.ZstdError, tarfile.TarError, EOFError) as error:
        raise _damaged(reference, f"cannot be unpacked ({error})") from error


def _damaged(reference: RuntimeReference, fault: str) -> RuntimeDamaged:
    return RuntimeDamaged(
        f"{reference.uri} {fault}: build and upload it again with `model-tools runtime build --name {reference.name}`."
    )
