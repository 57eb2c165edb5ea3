r"""Paths as manifests, pins and archives write them: relative, with slashes, and never leaving their folder.

People and tools write one path in several ways: `./model.pt`, `samples//a.json`, `models\model.pt` from Windows, and
accents as two characters from macOS. `normal_path` gives each of them its one form, and everyone who compares a name
in a manifest with the name of a file compares these forms.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

MAX_NAME_BYTES = 255
"""The longest name of a file or folder in UTF-8 that Linux takes (NAME_MAX)."""
FOREIGN_NAMES = frozenset({".ds_store", "__macosx", "icon\r", "thumbs.db", "ehthumbs.db", "desktop.ini", "__pycache__"})
"""Files and folders, in lower case, that macOS, Windows and Python leave beside other people's files."""
_DRIVE = re.compile(r"[A-Za-z]:(?:[/\\]|$)")
_WILD = re.compile(r"[*?\[]")


def is_inside(path: str) -> bool:
    """Tell whether a relative path (or glob) stays inside the folder that it is relative to."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and "\\" not in path and "\0" not in path and ".." not in parts


def normal_path(text: str) -> str:
    """Return the one form of a relative path or glob: slashes, composed characters (NFC), no `.`, `..` or `//`.

    The form of a form is itself. Raises ValueError, which says why, for a path that is absolute, leaves its folder,
    names nothing, or has a character or a length that no file's name may have.
    """
    if text.startswith(("/", "\\")) or _DRIVE.match(text):
        raise ValueError(f"{text!r} leaves the model's folder, as an absolute path does; name a file in it")
    kinds = {unicodedata.category(letter) for letter in text}
    if "Cs" in kinds:
        raise ValueError(f"{text!r} has a name that is not text in UTF-8: rename the file")
    if "Cc" in kinds:
        raise ValueError(f"{text!r} has a control character in it: rename the file")
    parts: list[str] = []
    for part in unicodedata.normalize("NFC", text).replace("\\", "/").split("/"):
        if part == "..":
            if not parts:
                raise ValueError(f"{text!r} leaves the model's folder; name a file in it")
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    if not parts:
        raise ValueError(f"{text!r} names no file: write its name")
    longest = max(parts, key=lambda part: len(part.encode()))
    if len(longest.encode()) > MAX_NAME_BYTES:
        raise ValueError(f"{longest[:40]!r}… has more than the {MAX_NAME_BYTES} bytes that a name may have: shorten it")
    return "/".join(parts)


def named_path(path: str | None) -> str | None:
    """Return the normal form of a path or glob in a manifest, None for one that is left out.

    Raises ValueError like `normal_path`, and for a file of the operating system's own, which is never published.
    """
    if path is None:
        return None
    normal = normal_path(path)
    if is_foreign(normal):
        raise ValueError(
            f"{path!r} belongs to macOS, Windows or Python, whose own files are never published: name a file of the "
            "model"
        )
    return normal


def stored_path(text: str) -> str:
    """Return the normal form of the path of a file in an archive or below a prefix in S3.

    Raises ValueError like `normal_path`, and for `..`: no tool that packs or uploads a folder writes it.
    """
    if ".." in text.replace("\\", "/").split("/"):
        raise ValueError(f"{text!r} has `..` in it: rename the file")
    return normal_path(text)


def is_foreign(path: str) -> bool:
    """Tell whether a path belongs to macOS, Windows or Python (`._a`, `__MACOSX/`, `Thumbs.db`), not to a model."""
    return any(part.startswith("._") or part.lower() in FOREIGN_NAMES for part in path.split("/"))


def is_hidden(path: str) -> bool:
    """Tell whether a file, or a folder around it, is hidden (its name begins with a dot) or foreign."""
    return is_foreign(path) or any(part.startswith(".") for part in path.split("/"))


def matching(glob: str, paths: Iterable[str]) -> list[str]:
    """Return the paths that a glob matches, sorted; glob and paths are in their normal form.

    `*`, `?` and `[…]` match within one name; `**` matches any number of folders, and all files below when it comes
    last. None of them ever matches a hidden or a foreign name; a name that is written out is matched as it is.
    """
    parts = (*glob.split("/"), "*") if glob.rsplit("/", maxsplit=1)[-1] == "**" else tuple(glob.split("/"))
    return sorted(path for path in paths if _matches(parts, path.split("/")))


def folder_text(glob: str, paths: Iterable[str]) -> str:
    """Return a sentence for a glob that matches nothing because it names a folder; empty for any other glob."""
    return f" It is a folder: write {glob}/* for the files in it." if matching(f"{glob}/**", paths) else ""


def spelt_out(name: str, paths: Iterable[str]) -> bool:
    """Tell whether one of the paths or globs has this name among its parts, written out."""
    normal = unicodedata.normalize("NFC", name)
    return any(normal in path.split("/") for path in paths)


def _matches(glob: tuple[str, ...], names: Sequence[str]) -> bool:
    """Tell whether the glob's parts match the names, keeping the positions in the glob that are reached so far."""
    reached = _after_folders(glob, {0})
    for name in names:
        following = set()
        for position in reached - {len(glob)}:
            if glob[position] == "**":
                following |= set() if is_hidden(name) else {position}
            elif _matches_name(glob[position], name):
                following.add(position + 1)
        reached = _after_folders(glob, following)
    return len(glob) in reached


def _after_folders(glob: tuple[str, ...], reached: set[int]) -> set[int]:
    """Return the positions, with those that are reached because a `**` stands for no folder at all."""
    positions = set(reached)
    for position in reached:
        following = position
        while following < len(glob) and glob[following] == "**":
            following += 1
            positions.add(following)
    return positions


def _matches_name(glob: str, name: str) -> bool:
    if not _WILD.search(glob):
        return glob == name
    return not is_hidden(name) and fnmatchcase(name, glob)
