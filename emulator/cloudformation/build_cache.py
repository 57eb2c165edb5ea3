"""A cache of built archives, in this process and in a folder that all emulators of a user share."""

import contextlib
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from emulator import packages
from emulator.packages.build import LocalCode, source_files

_MAX_ARCHIVES = 20
"""The number of archives in the folder. Each has some megabytes."""

_in_process: dict[str, bytes] = {}


class BuildCache:
    """Archives under the digest of everything that they are built from.

    When the folder cannot be written to, archives are kept in this process only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> Self:
        """Return the cache that all emulators of this user share."""
        root = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "/nonexistent"), ".cache")
        return cls(Path(root, "aws-emulator", "builds"))

    def get(self, key: str) -> bytes | None:
        """Return an archive, None when it is not in the cache."""
        if key not in _in_process:
            with contextlib.suppress(OSError):
                _in_process[key] = self._path(key).read_bytes()
                os.utime(self._path(key))  # the archives that were used last are kept
        return _in_process.get(key)

    def put(self, key: str, archive: bytes) -> None:
        """Store an archive, and remove those from the folder that were used longest ago."""
        _in_process[key] = archive
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = self._folder / f"{key}.{os.getpid()}"
            partial.write_bytes(archive)
            partial.replace(self._path(key))
            by_use = sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime)
            for old in by_use[:-_MAX_ARCHIVES]:
                old.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.zip"


def build_key(code: LocalCode) -> str:
    """Return a digest of everything that a build depends on: its folder, the installed packages, and our code."""
    digest = hashlib.sha256(repr((code.logical_id, code.is_layer, code.build_method, sys.version)).encode())
    for folder in (code.folder, Path(packages.__file__).parent):
        for path in source_files(folder):
            digest.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode() + path.read_bytes())
    for entry in filter(os.path.isdir, sys.path):
        installed = (path for path in os.scandir(entry) if path.name.endswith(".dist-info"))
        for distribution in sorted(installed, key=lambda found: found.name):
            digest.update(f"{distribution.name} {distribution.stat().st_mtime_ns}\n".encode())
    return digest.hexdigest()
