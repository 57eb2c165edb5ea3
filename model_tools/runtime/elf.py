"""Reads a shared library's name, the libraries that it needs and its processor, without loading or running it.

The format is ELF [man 5 elf].
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

MAGIC = b"\x7fELF\x02\x01"
"""The first bytes of an ELF file of 64 bits and little-endian, the kind that Lambda runs."""
LOAD, DYNAMIC = 1, 2
"""Types of segments: PT_LOAD and PT_DYNAMIC."""
NEEDED, STRING_TABLE, SONAME = 1, 5, 14
"""Tags of entries in the dynamic segment: DT_NEEDED, DT_STRTAB and DT_SONAME."""
MACHINES = {62: "x86_64", 183: "aarch64"}
"""The processors by their numbers (EM_X86_64 and EM_AARCH64), named as `uname -m` names them."""


class Readable(Protocol):
    """The interface that bytes and mapped files have in common."""

    def __getitem__(self, part: slice, /) -> bytes: ...

    def find(self, what: bytes, start: int, /) -> int:
        """Return the first position from `start` on at which `what` begins; -1 when there is none."""


@dataclass(frozen=True)
class SharedLibrary:
    """The parts of a shared library that decide how it is linked."""

    machine: str
    """The processor that the library is for."""
    soname: str | None
    """The name by which other libraries need this one; None for a library without a name."""
    needed: tuple[str, ...]
    """The names of the libraries that must be loaded before this one."""
    is_aligned: bool = True
    """All segments lie in the file at offsets from which they can be mapped."""


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
    """Tell by a file's first bytes whether `read_library` can read it."""
    return head.startswith(MAGIC)


def read_library(data: Readable) -> SharedLibrary:
    """Return the parts of a shared library that decide how it is linked. Raises ValueError for any other file."""
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
    """Return the position in the file of the bytes that are loaded at an address. Raises ValueError without any."""
    for segment in segments:
        if segment.kind == LOAD and segment.address <= address < segment.address + segment.size:
            return segment.offset + address - segment.address
    raise ValueError(f"no part of it is loaded at {address:#x}")


def _string(data: Readable, start: int) -> str:
    end = data.find(b"\0", start)
    if end < 0:
        raise ValueError("a name in it has no end")
    return data[start:end].decode()
