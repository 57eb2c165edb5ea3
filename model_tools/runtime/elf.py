"""Shared libraries as files: what they are called, what they need, for which processor. Nothing is loaded or run."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MAGIC = b"\x7fELF\x02\x01"
"""64 bits, little-endian: what Lambda runs."""
LOAD, DYNAMIC = 1, 2
NEEDED, STRING_TABLE, SONAME = 1, 5, 14
MACHINES = {62: "x86_64", 183: "aarch64"}


class Readable(Protocol):
    """Bytes, or a mapped file."""

    def __getitem__(self, part: slice, /) -> bytes: ...

    def find(self, what: bytes, start: int, /) -> int:
        """Return where `what` begins, at `start` or after it; -1 when it is not there."""


@dataclass(frozen=True)
class SharedLibrary:
    """The part of a shared library that says how it is linked."""

    machine: str
    soname: str | None
    needed: tuple[str, ...]
    """The names of the libraries that must be loaded before it."""
    is_aligned: bool = True
    """Its parts lie in the file so that they can be mapped."""


@dataclass(frozen=True)
class _Segment:
    kind: int
    offset: int
    address: int
    size: int
    alignment: int

    @property
    def is_aligned(self) -> bool:
        return self.alignment <= 1 or (self.address - self.offset) % self.alignment == 0


def is_library(head: bytes) -> bool:
    """Tell from a file's first bytes whether `read_library` understands it."""
    return head.startswith(MAGIC)


def read_library(data: Readable) -> SharedLibrary:
    """Return how a shared library is linked. Raises ValueError for what is none, or damaged."""
    try:
        return _read(data)
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"the library is cut off or damaged ({error})") from error


def _read(data: Readable) -> SharedLibrary:
    if not is_library(data[0:6]):
        raise ValueError("it is no 64-bit little-endian ELF file")
    (machine,) = struct.unpack("<H", data[18:20])
    segments = list(_segments(data))
    entries = [entry for segment in segments if segment.kind == DYNAMIC for entry in _dynamic(data, segment)]
    tables = [value for tag, value in entries if tag == STRING_TABLE]
    strings = _offset(tables[0], segments) if tables else 0
    sonames = [_string(data, strings + value) for tag, value in entries if tag == SONAME]
    return SharedLibrary(
        machine=MACHINES.get(machine, f"machine {machine}"),
        soname=sonames[0] if sonames else None,
        needed=tuple(_string(data, strings + value) for tag, value in entries if tag == NEEDED),
        is_aligned=all(segment.is_aligned for segment in segments if segment.kind == LOAD),
    )


def _segments(data: Readable) -> Iterator[_Segment]:
    (table,) = struct.unpack("<Q", data[32:40])
    size, count = struct.unpack("<HH", data[54:58])
    for start in range(table, table + size * count, size or 1):
        kind, _, offset, address, _, length, _, alignment = struct.unpack("<IIQQQQQQ", data[start : start + 56])
        yield _Segment(kind, offset, address, length, alignment)


def _dynamic(data: Readable, segment: _Segment) -> Iterator[tuple[int, int]]:
    for start in range(segment.offset, segment.offset + segment.size, 16):
        tag, value = struct.unpack("<qQ", data[start : start + 16])
        if tag == 0:
            return
        yield tag, value


def _offset(address: int, segments: list[_Segment]) -> int:
    """Return where in the file the bytes of an address in memory are."""
    for segment in segments:
        if segment.kind == LOAD and segment.address <= address < segment.address + segment.size:
            return segment.offset + address - segment.address
    raise ValueError(f"no part of it is loaded at {address:#x}")


def _string(data: Readable, start: int) -> str:
    end = data.find(b"\0", start)
    if end < 0:
        raise ValueError("a name in it has no end")
    return data[start:end].decode()
