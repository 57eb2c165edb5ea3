"""The store of zips, each kept and unpacked once."""

import base64
import hashlib
import io
import os
import shutil
import threading
import uuid
import zipfile
from pathlib import Path

from emulator.lambda_.api_errors import InvalidParameterValue
from emulator.lambda_.spec import CodePackage

BAD_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


class CodeStore:
    """Keeps every uploaded zip under its digest, and unpacks it when it is first needed. Threads may share it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        (root / "zips").mkdir(parents=True)
        (root / "unpacked").mkdir()

    def add(self, data: bytes) -> CodePackage:
        """Store a zip; raises InvalidParameterValueException when the data are not a zip."""
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as opened:
                unzipped = sum(entry.file_size for entry in opened.infolist())
        except zipfile.BadZipFile as error:
            raise InvalidParameterValue(BAD_ZIP) from error
        digest = hashlib.sha256(data)
        archive = self._root / "zips" / f"{digest.hexdigest()}.zip"
        if not archive.exists():
            partial = archive.with_suffix(f".{uuid.uuid4().hex}")
            partial.write_bytes(data)
            partial.replace(archive)
        return CodePackage(
            digest=digest.hexdigest(),
            sha256_base64=base64.b64encode(digest.digest()).decode(),
            size=len(data),
            unzipped_size=unzipped,
            archive=archive,
        )

    def unpack(self, package: CodePackage) -> Path:
        """Return the folder that the zip's files lie in; raises BadZipFile when a member's checksum is wrong."""
        folder = self._root / "unpacked" / package.digest
        with self._lock:
            if not folder.exists():
                partial = folder.with_suffix(".partial")
                shutil.rmtree(partial, ignore_errors=True)
                with zipfile.ZipFile(package.archive) as opened:
                    for entry in opened.infolist():
                        written = opened.extract(entry, partial)
                        if mode := entry.external_attr >> 16 & 0o777:
                            Path(written).chmod(mode | (0o555 if entry.is_dir() else 0o444))
                partial.mkdir(exist_ok=True)  # an empty zip makes no folder
                os.replace(partial, folder)  # noqa: PTH105 - atomic on a folder that nobody else writes
        return folder
