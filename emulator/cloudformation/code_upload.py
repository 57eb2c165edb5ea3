"""Uploading local folders as zip archives to a bucket of the emulator. The same content is always the same object."""

import hashlib
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

from emulator.account import ACCOUNT_ID
from emulator.cloudformation.build_cache import BuildCache, build_key
from emulator.packages.build import LocalCode, build, is_built, source_files

BUCKET = f"emulator-assets-{ACCOUNT_ID}"

_FILE_DATE = (2020, 1, 1, 0, 0, 0)
"""The date of all files in an archive, so that the same content makes the same archive."""

_FILE_MODE = 0o644 << 16

_COMPRESSION_LEVEL = 1
"""The fastest level: the archive stays on this machine."""


class CodeUploader:
    """Uploads the local code of a template."""

    def __init__(self, s3: Any, cache: BuildCache) -> None:
        self._s3 = s3
        self._cache = cache

    def upload(self, code: LocalCode) -> str:
        """Upload a folder, built if need be, or a zip file; return its `s3://` URI. Raises EmulatorError."""
        archive = code.folder.read_bytes() if code.folder.is_file() else self._archive(code)
        key = f"{hashlib.sha256(archive).hexdigest()}.zip"
        self._s3.create_bucket(Bucket=BUCKET)  # in us-east-1 it is no error to create one's own bucket again
        self._s3.put_object(Bucket=BUCKET, Key=key, Body=archive)
        return f"s3://{BUCKET}/{key}"

    def _archive(self, code: LocalCode) -> bytes:
        if not is_built(code):
            return zip_folder(code.folder)
        key = build_key(code)
        archive = self._cache.get(key)
        if archive is None:
            with tempfile.TemporaryDirectory(prefix="emulator-build-") as scratch:
                artifact = Path(scratch, "artifact")
                build(code, artifact, Path(scratch))
                archive = zip_folder(artifact)
            self._cache.put(key, archive)
        return archive


def zip_folder(folder: Path) -> bytes:
    """Return a zip archive of the folder's files, byte for byte the same for the same content."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in source_files(folder):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _FILE_DATE)
            entry.external_attr = _FILE_MODE
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, _COMPRESSION_LEVEL)
    return buffer.getvalue()
