"""Paths as manifests, pins and archives write them: relative, with slashes, and never leaving their folder."""

from pathlib import PurePosixPath


def is_inside(path: str) -> bool:
    """Tell whether a relative path (or glob) stays inside the folder that it is relative to."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and "\\" not in path and "\0" not in path and ".." not in parts


def require_inside(path: str | None) -> str | None:
    """Return a manifest's path unchanged. Raises ValueError for a path that leaves the model's folder."""
    if path is not None and not is_inside(path):
        raise ValueError(f"{path!r} leaves the model's folder; name a file in it")
    return path
