"""Holds a runtime bundle in memory, shared libraries as anonymous files and modules as bytes, and writes no file.

A shared library is opened by the path of its descriptor, after the libraries that it needs. The dynamic linker uses a
loaded library for every later need of its name (DT_SONAME), so that no search path has to exist.
"""

import ctypes
import errno
import mmap
import os
from collections.abc import Iterator

import zstandard

from model_tools.formats.runtime_reference import VIRTUAL_ROOT
from model_tools.runtime.contents import BundledFile
from model_tools.runtime.elf import SharedLibrary, is_library, read_library

FASTEST = -1
"""zstd's level of compression for files that are rarely read; it packs Python sources about 4 : 1."""


def virtual_path(name: str) -> str:
    """Return the path that stands for a file of a bundle in memory; no file exists at this path."""
    return f"{VIRTUAL_ROOT}/{name}"


class MemoryTree:
    """The files of one bundle by their names, and its loaded shared libraries."""

    def __init__(self) -> None:
        self._compressed: dict[str, bytes] = {}
        self._code: dict[str, bytes] = {}
        self._descriptors: dict[str, int] = {}
        self._linkage: dict[str, SharedLibrary] = {}
        self._by_soname: dict[str, str] = {}
        self._loaded: dict[str, ctypes.CDLL | None] = {}
        self._compressor = zstandard.ZstdCompressor(level=FASTEST)

    def add(self, file: BundledFile) -> None:
        """Add a file. Raises ValueError for a shared library that is damaged."""
        first = next(file.chunks, memoryview(b""))
        if is_library(bytes(first[:8])):
            self._add_library(file, first)
            return
        data = b"".join([bytes(first), *map(bytes, file.chunks)])
        if file.name.endswith(".pyc"):
            self._code[file.name] = data
        else:
            self._compressed[file.name] = self._compressor.compress(data)

    def names(self) -> Iterator[str]:
        """Yield the names of all files."""
        yield from self._compressed
        yield from self._code
        yield from self._descriptors

    def __contains__(self, name: str) -> bool:
        return name in self._compressed or name in self._descriptors or name in self._code

    def take_code(self, name: str) -> bytes | None:
        """Return a compiled module's bytes, which are removed from memory, since a module is imported only once."""
        return self._code.pop(name, None)

    def read(self, name: str) -> bytes:
        """Return a file's contents. Raises FileNotFoundError."""
        if name in self._compressed:
            return zstandard.decompress(self._compressed[name])
        if name in self._descriptors:
            with mmap.mmap(self._descriptors[name], 0, prot=mmap.PROT_READ) as mapped:
                return mapped[:]
        raise FileNotFoundError(errno.ENOENT, "The runtime bundle held in memory has no such file", virtual_path(name))

    def open_library(self, name: str) -> str:
        """Return a path by which a shared library can be loaded, after loading the libraries that it needs."""
        linkage = self._linkage[name]
        for needed in linkage.needed:
            if (dependency := self._by_soname.get(needed)) and dependency not in self._loaded:
                self._loaded[dependency] = None  # libraries may need each other
                self._loaded[dependency] = ctypes.CDLL(self.open_library(dependency))
        return self.descriptor_path(name)

    def descriptor_path(self, name: str) -> str:
        """Return a path by which this process can open a shared library or a program."""
        return f"/proc/self/fd/{self._descriptors[name]}"

    def close(self) -> None:
        """Free the memory. The tree must not have loaded any library."""
        for descriptor in self._descriptors.values():
            os.close(descriptor)
        self._descriptors.clear()

    def _add_library(self, file: BundledFile, first: memoryview) -> None:
        # The descriptor stays open: the linker knows a library by this path, which must never lead to another file.
        base = file.name.rpartition("/")[2]
        descriptor = self._descriptors[file.name] = os.memfd_create(base, os.MFD_CLOEXEC)
        os.ftruncate(descriptor, file.size)
        chunk = first
        while chunk:
            while chunk:
                chunk = chunk[os.write(descriptor, chunk) :]
            chunk = next(file.chunks, memoryview(b""))
        with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as mapped:
            self._linkage[file.name] = linkage = read_library(mapped)
        self._by_soname[linkage.soname or base] = file.name
