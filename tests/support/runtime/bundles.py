"""Small made-up bundles, sound and broken ones."""

import hashlib
import io
import platform
import struct
import sys
import tarfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import IO

import zstandard

from model_tools.formats.runtime_reference import Part, RuntimeReference, room_taken

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
END = bytes(1024)


def member(name: str, data: bytes = b"", *, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, link: str = "") -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.mode, info.linkname = len(data), kind, mode, link
    return info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)


@dataclass
class Bundle:
    """The bytes of a bundle, its reference, and how often and how far it was read."""

    data: bytes
    reference: RuntimeReference
    opened: int = 0
    read: int = 0
    streams: list[IO[bytes]] = field(default_factory=list)

    def open(self, uri: str) -> AbstractContextManager[IO[bytes]]:
        assert uri == self.reference.uri
        self.opened += 1
        bundle = self

        class Stream(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                data = super().read(size)
                bundle.read += len(data)
                return data

        self.streams.append(Stream(self.data))
        return self.streams[-1]

    def changed(self, change: Callable[[bytes], bytes]) -> "Bundle":
        """Return the same reference with other bytes."""
        return Bundle(change(self.data), self.reference)

    def renamed(self, **fields: object) -> "Bundle":
        """Return the same bytes with another reference."""
        return Bundle(self.data, self.reference.model_copy(update=fields))


def pack(serving: Iterable[bytes], rest: Iterable[bytes] = (), *, unpacked_size: int | None = None) -> Bundle:
    """Return a bundle of tar members, its serving part first."""
    compress = zstandard.ZstdCompressor(level=1).compress
    tars = b"".join(serving), b"".join(rest)
    first = compress(tars[0])
    data = first + compress(tars[1] + END)
    rooms = [_room(tar) if unpacked_size is None else unpacked_size for tar in tars]
    return Bundle(
        data,
        RuntimeReference(
            name="torch", uri="s3://artifacts/runtimes/bundle.tar.zst", sha256=hashlib.sha256(data).hexdigest(),
            size=len(data), unpacked_size=max(1, sum(rooms)), python=PYTHON, platform=platform.machine(), packages={},
            serving=Part(sha256=hashlib.sha256(first).hexdigest(), size=len(first), unpacked_size=max(1, rooms[0])),
        ),
    )  # fmt: skip


def pack_files(files: dict[str, bytes], rest: dict[str, bytes] | None = None) -> Bundle:
    return pack(
        [member(name, data) for name, data in files.items()],
        [member(name, data) for name, data in (rest or {}).items()],
    )


def elf(
    *, machine: int = 62, soname: str | None = None, needed: Iterable[str] = (), vaddr: int = 0, align: int = 4096
) -> bytes:
    """Return the least of a shared library: one loaded segment, and how it is linked."""
    strings, entries = b"\0", []
    for tag, name in [*((1, name) for name in needed), *([(14, soname)] if soname else [])]:
        entries.append((tag, len(strings)))
        strings += name.encode() + b"\0"
    dynamic_at = 64 + 2 * 56
    entries.append((5, vaddr + dynamic_at + 16 * (len(entries) + 2)))
    dynamic = b"".join(struct.pack("<qQ", *entry) for entry in [*entries, (0, 0)])
    size = dynamic_at + len(dynamic) + len(strings)
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    load = struct.pack("<IIQQQQQQ", 1, 5, 0, vaddr, vaddr, size, size, align)
    link = struct.pack("<IIQQQQQQ", 2, 6, dynamic_at, dynamic_at, dynamic_at, len(dynamic), len(dynamic), 8)
    return header + load + link + dynamic + strings


def _room(tar: bytes) -> int:
    with tarfile.open(fileobj=io.BytesIO(tar + END)) as archive:
        return sum(room_taken(info.size) for info in archive)
