"""Unpacks a runtime bundle into a folder, which appears only when it is complete."""

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from model_tools.errors import ModelTooLarge
from model_tools.formats.runtime_reference import PartName, RuntimeReference
from model_tools.runtime.contents import BundledFile, OpenObject, read_bundle, require_fitting

LOCK = ".lock"
"""The file that a process locks while it unpacks."""


def unpack_runtime(
    reference: RuntimeReference, open_object: OpenObject, folder: Path, part: PartName = "whole"
) -> Path:
    """Return the folder `folder/<sha256 of the part>` with the part's files, fetched and unpacked unless it is there.

    Any number of processes may call this at the same time; one of them fetches. A failure leaves no files, and those
    that a killed process left are removed. Raises RuntimeMismatch, RuntimeDamaged, and ModelTooLarge for a full disk.
    """
    require_fitting(reference)
    home = folder / reference.part(part).sha256
    if home.is_dir():
        return home
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / LOCK):
        if home.is_dir():
            return home
        unfinished = folder / f"{home.name}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            _unpack(read_bundle(reference, open_object, part), unfinished)
            unfinished.rename(home)
        except BaseException as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise ModelTooLarge(
                    f"The runtime bundle {reference.uri} takes {reference.part(part).unpacked_size:,} bytes and "
                    f"{folder} has no room for it: give the function more ephemeral storage, or "
                    "hold the bundle in memory."
                ) from error
            raise
    return home


def _unpack(files: Iterable[BundledFile], folder: Path) -> None:
    folder.mkdir()
    made = {folder}
    for file in files:
        path = folder / file.name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        _write(file, path)


def _write(file: BundledFile, path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755 if file.is_executable else 0o644)
    with os.fdopen(descriptor, "wb", buffering=0) as written:
        for chunk in file.chunks:
            while chunk:
                chunk = chunk[written.write(chunk) :]  # noqa: PLW2901 (the rest of the chunk is written next)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the lock is released when the file is closed or the process ends
        yield
