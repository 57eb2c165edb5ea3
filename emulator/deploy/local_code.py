"""Local folders as zip archives in a bucket of the emulator; the same content is always the same object."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator.account import ACCOUNT_ID

BUCKET = f"emulator-assets-{ACCOUNT_ID}"
_SKIPPED = frozenset({"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_MOMENT = (2020, 1, 1, 0, 0, 0)  # any, as long as it is always the same
_READABLE = 0o644 << 16


class CodeStore:
    """Uploads code before a stack is made from it."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def upload(self, path: Path, kind: str) -> str:
        """Return the `s3://` URI of a folder's or zip file's content; `kind` is Function or LayerVersion."""
        archive = path.read_bytes() if path.is_file() else zip_folder(path, prefix=_prefix(path, kind))
        key = f"{hashlib.sha256(archive).hexdigest()}.zip"
        self._s3.create_bucket(Bucket=BUCKET)  # in us-east-1 creating one's own bucket again is no error
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=archive)
        return f"s3://{BUCKET}/{key}"


def _prefix(folder: Path, kind: str) -> str:
    # A layer that is a Python package itself: what its makefile builds is the package under python/.
    if kind == "LayerVersion" and (folder / "__init__.py").exists():
        return f"python/{folder.resolve().name}/"
    return ""


def zip_folder(folder: Path, *, prefix: str = "") -> bytes:
    """Return a zip archive of the folder's files, byte for byte the same for the same content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            entry = zipfile.ZipInfo(prefix + path.relative_to(folder).as_posix(), _MOMENT)
            entry.external_attr = _READABLE
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _SKIPPED.intersection(path.relative_to(folder).parts):
            yield path
