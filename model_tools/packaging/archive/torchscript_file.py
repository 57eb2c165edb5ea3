"""TorchScript's file, written so that the same model is the same bytes.

What torch.jit.save writes is a zip. It holds the paths of the user's source files (`*.debug_pkl`) and an id made of
them, and it is named inside after the file that it was saved to. Neither is needed to load the model.
"""

import zipfile
from pathlib import Path
from typing import BinaryIO

from model_tools.errors import ModelTooLarge
from model_tools.formats.sizes import MIB
from model_tools.packaging.checkpoint.checkpoint_file import check_zip
from model_tools.packaging.limits import Limits

TOP = "model/"
SERIALIZATION_ID = ".data/serialization_id"
"""Its neighbours stay: for some graphs the format's version is `.data/version`, without which nothing is loaded."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can tell."""
ALIGNMENT = 64
"""torch lays tensors out so that they can be mapped and read by vector instructions."""
PADDING_FIELD = b"FB"
"""The id of the extra field that torch itself pads with."""
LOCAL_HEADER_BYTES = 30
ZIP64_EXTRA_BYTES = 20
ZIP64_FROM = (1 << 31) - 1
"""The size in bytes from which on Python's zipfile writes sizes of 64 bits, in an extra field of its own."""
CHUNK = MIB


def rewrite_reproducibly(source: Path, target: Path, *, limits: Limits) -> None:
    """Copy a TorchScript file without what depends on when and where it was written.

    Raises ModelTooLarge, or CheckpointRejected for what is no intact zip: a user's process has written it.
    """
    if source.stat().st_size > limits.model_bytes:
        raise ModelTooLarge(
            f"The traced model has {source.stat().st_size:,} bytes, {limits.model_bytes:,} is the limit of the "
            "function that serves it: publish a smaller model, or one with weights in a smaller dtype."
        )
    check_zip(source, limits=limits)
    with zipfile.ZipFile(source) as old, target.open("wb") as file, zipfile.ZipFile(file, "w") as new:
        members = {member.filename.partition("/")[2]: member for member in old.infolist()}
        for name in sorted(members):
            if not name.endswith(".debug_pkl") and name != SERIALIZATION_ID:
                _copy(old, members[name], new, TOP + name, file)


def _copy(old: zipfile.ZipFile, member: zipfile.ZipInfo, new: zipfile.ZipFile, name: str, file: BinaryIO) -> None:
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.create_system = 3  # Unix, wherever this runs
    entry.external_attr = 0o644 << 16
    entry.file_size = member.file_size
    large = member.file_size >= ZIP64_FROM // 2
    # The field's own four bytes (id and length) come before its padding.
    begins = file.tell() + LOCAL_HEADER_BYTES + len(name.encode()) + (ZIP64_EXTRA_BYTES if large else 0) + 4
    padding = -begins % ALIGNMENT
    entry.extra = PADDING_FIELD + padding.to_bytes(2, "little") + b"Z" * padding
    with old.open(member) as source, new.open(entry, "w", force_zip64=large) as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
