"""Gives importlib the data files and the metadata of packages in a bundle that is held in memory."""

import io
import re
from collections.abc import Iterator
from importlib.metadata import Distribution
from importlib.resources.abc import Traversable, TraversableResources
from typing import IO, Any

from model_tools.runtime.memory import MemoryTree, virtual_path

INFO_SUFFIX = ".dist-info"


class TreeResources(TraversableResources):
    """The data files of one package."""

    def __init__(self, tree: MemoryTree, folder: str) -> None:
        self._tree = tree
        self._folder = folder

    def files(self) -> "TreeFile":
        """Return the package's folder."""
        return TreeFile(self._tree, self._folder)


class TreeFile(Traversable):
    """A path in the bundle, at which there may be a file, a folder or nothing."""

    def __init__(self, tree: MemoryTree, path: str) -> None:
        self._tree = tree
        self._path = path

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._path.rpartition("/")[2]

    def is_file(self) -> bool:
        """Tell whether the path leads to a file."""
        return self._path in self._tree

    def is_dir(self) -> bool:
        """Tell whether there are files below the path."""
        return any(name.startswith(f"{self._path}/") for name in self._tree.names())

    def iterdir(self) -> Iterator["TreeFile"]:
        """Yield the files and folders in the folder."""
        prefix = f"{self._path}/"
        entries = {name[len(prefix) :].partition("/")[0] for name in self._tree.names() if name.startswith(prefix)}
        yield from (TreeFile(self._tree, prefix + entry) for entry in sorted(entries))

    def joinpath(self, *descendants: Any) -> "TreeFile":
        """Return a path below this one."""
        return TreeFile(self._tree, "/".join([self._path, *(str(part).strip("/") for part in descendants)]))

    def __truediv__(self, child: Any) -> "TreeFile":
        return self.joinpath(child)

    def read_bytes(self) -> bytes:
        """Return a file's contents. Raises FileNotFoundError."""
        return self._tree.read(self._path)

    def read_text(self, encoding: str | None = None) -> str:
        """Return a file's text. Raises FileNotFoundError."""
        return self.read_bytes().decode(encoding or "utf-8")

    def open(self, mode: str = "r", *_arguments: Any, **options: Any) -> IO[Any]:
        """Return a stream of a file's contents. Raises FileNotFoundError."""
        data = io.BytesIO(self.read_bytes())
        return data if "b" in mode else io.TextIOWrapper(data, encoding=options.get("encoding") or "utf-8")


class TreeDistribution(Distribution):
    """The metadata of one package, for importlib.metadata."""

    def __init__(self, tree: MemoryTree, folder: str) -> None:
        self._tree = tree
        self._folder = folder

    @classmethod
    def of(cls, tree: MemoryTree, wanted: str | None) -> Iterator["TreeDistribution"]:
        """Yield the package with the wanted name, or all packages for None."""
        for name in list(tree.names()):
            folder, _, rest = name.partition("/")
            if rest != "METADATA" or not folder.endswith(INFO_SUFFIX):
                continue
            if wanted is None or _same_name(folder.partition("-")[0], wanted):
                yield cls(tree, folder)

    def read_text(self, filename: Any) -> str | None:
        """Return the text of a file of the package's metadata; None if there is no such file."""
        name = f"{self._folder}/{filename}"
        return self._tree.read(name).decode() if name in self._tree else None

    def locate_file(self, path: Any) -> Any:
        """Return the path that stands for a file of the package."""
        return virtual_path(str(path))


def _same_name(one: str, other: str) -> bool:
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()
