"""Rewrites a TorchScript file so that the same model gives the same bytes.

torch.jit.save writes a zip. Its top folder is named after the file, and it holds the paths of the user's source files
(`*.debug_pkl`) and an id that is made of them. None of these is needed to load the model.
"""

import zipfile
from pathlib import Path
from typing import BinaryIO

from model_tools.errors import ModelTooLarge
from model_tools.formats.sizes import MIB
from model_tools.packaging.checkpoint.checkpoint_file import check_zip
from model_tools.packaging.limits import Limits

TOP = "model/"
"""The top folder of every rewritten file."""
SERIALIZATION_ID = ".data/serialization_id"
"""The member with the id. Its neighbours are kept: for some graphs `.data/version` is needed to load the file."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold, as the time of all members."""
ALIGNMENT = 64
"""Tensors begin at multiples of this number of bytes, as in torch's files, to be mapped and read by vector units."""
PADDING_FIELD = b"FB"
"""The id of the extra field by which torch, too, pads a member's header."""
LOCAL_HEADER_BYTES = 30
"""The size of a member's header in a zip, without its name and extra fields."""
ZIP64_EXTRA_BYTES = 20
"""The size of the extra field with sizes of 64 bits."""
ZIP64_FROM = (1 << 31) - 1
"""The size in bytes from which on Python's zipfile writes sizes of 64 bits (zipfile.ZIP64_LIMIT)."""
CHUNK = MIB
"""Bytes that are copied at once."""


def rewrite_reproducibly(source: Path, target: Path, *, limits: Limits) -> None:
    """Copy a TorchScript file without the parts that depend on the time and place of its making.

    Raises ModelTooLarge, or CheckpointRejected for a file that is no intact zip, since a user's process has written it.
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
    entry.create_system = 3  # 3 means Unix, on whatever system this runs
    entry.external_attr = 0o644 << 16
    entry.file_size = member.file_size
    large = member.file_size >= ZIP64_FROM // 2
    # The extra field begins with four bytes, its id and length; the padding follows.
    begins = file.tell() + LOCAL_HEADER_BYTES + len(name.encode()) + (ZIP64_EXTRA_BYTES if large else 0) + 4
    padding = -begins % ALIGNMENT
    entry.extra = PADDING_FIELD + padding.to_bytes(2, "little") + b"Z" * padding
    with old.open(member) as source, new.open(entry, "w", force_zip64=large) as target:
        while chunk := source.read(CHUNK):
            target.write(chunk)
