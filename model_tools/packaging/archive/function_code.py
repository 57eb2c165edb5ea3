"""Builds the inference function's zip with a release file in it; the same input gives the same bytes."""

import zipfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from model_tools.errors import ModelTooLarge
from model_tools.formats.release_file import RELEASE_FILE, ReleaseFile

MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""Lambda's limit for a zip function with its layers [gettingstarted-limits]."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold, as the time of all members."""
FILE_MODE = 0o644 << 16
"""The members' permissions, in the upper 16 bits of a zip's external attributes."""
CHUNK = 1 << 20
"""Bytes that are copied at once."""


def build_function_code(base: Path, release: ReleaseFile, destination: Path) -> None:
    """Write the function's zip: the files of `base` (the zip of `$LATEST`) with `release` as its release.json.

    Names are sorted and times fixed, so that the bytes depend on the contents alone. A release file in `base`, from an
    earlier publication, is replaced. Raises ModelTooLarge for code that is larger than Lambda allows.
    """
    with zipfile.ZipFile(base) as source, zipfile.ZipFile(destination, "w", zipfile.ZIP_DEFLATED) as target:
        members = [info for info in source.infolist() if not info.is_dir() and info.filename != RELEASE_FILE]
        total = sum(info.file_size for info in members)
        if total > MAX_UNZIPPED_BYTES:
            raise ModelTooLarge(
                f"The inference function's code is {total:,} bytes unzipped, Lambda takes {MAX_UNZIPPED_BYTES:,}: "
                "remove dependencies from functions/inference/requirements.txt and deploy the stack again."
            )
        for info in sorted(members, key=lambda member: member.filename):
            with source.open(info) as stream:
                _write(target, info.filename, iter(partial(stream.read, CHUNK), b""))
        _write(target, RELEASE_FILE, [release.model_dump_json(indent=1).encode()])


def _write(target: zipfile.ZipFile, name: str, chunks: Iterable[bytes]) -> None:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = FILE_MODE
    info.create_system = 3  # 3 means Unix, without which unzip ignores the permissions
    with target.open(info, "w") as out:
        for chunk in chunks:
            out.write(chunk)
