"""Lists the files of a folder by the normal form of their paths, which is how manifests name them."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from model_tools.errors import CheckpointRejected
from model_tools.formats.paths import is_foreign, is_hidden, spelt_out, stored_path

File = TypeVar("File")


def files_below(folder: Path, named: Collection[str] = ()) -> dict[str, Path]:
    """Return the regular files below a folder by the normal form of their paths, in the order of these.

    Files of the operating system's own and `__pycache__` are left out; so are hidden files and folders, unless a path
    or glob in `named` writes their name out. Folders that are links are not entered. Raises CheckpointRejected like
    `by_normal_path`.
    """
    return by_normal_path((path.relative_to(folder).as_posix(), path) for path in _walk(folder, named))


def by_normal_path(files: Iterable[tuple[str, File]]) -> dict[str, File]:
    """Return files by the normal form of their paths, in the order of these; foreign files are left out.

    Raises CheckpointRejected for a path that has no normal form, for two paths with the same one, and for a path that
    is that of a file and of a folder, as S3 allows.
    """
    found: dict[str, File] = {}
    given: dict[str, str] = {}
    for path, file in files:
        if is_foreign(path):
            continue
        try:
            normal = stored_path(path)
        except ValueError as error:
            raise CheckpointRejected(f"The model's file {error}.") from error
        if normal in found:
            raise CheckpointRejected(
                f"The model's files {given[normal]!r} and {path!r} are two spellings of one name: remove or rename one."
            )
        found[normal], given[normal] = file, path
    for path in found:
        folder = next((parent for parent in _folders_of(path) if parent in found), None)
        if folder is not None:
            raise CheckpointRejected(
                f"The model has a file {folder!r} and a folder of the same name ({path!r}): rename one."
            )
    return dict(sorted(found.items()))


def _walk(folder: Path, named: Collection[str]) -> Iterator[Path]:
    for directory, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_listed(name, named))
        for name in sorted(names):
            path = Path(directory, name)
            if _is_listed(name, named) and path.is_file():
                yield path


def _is_listed(name: str, named: Collection[str]) -> bool:
    return not is_foreign(name) and (not is_hidden(name) or spelt_out(name, named))


def _folders_of(path: str) -> Iterator[str]:
    for index, letter in enumerate(path):
        if letter == "/":
            yield path[:index]
