"""Tells the kind of a checkpoint file and checks that it may be loaded, with nothing executed.

PyTorch's files are zips. Their directory, sizes, compression ratios and checksums are verified here, by streaming,
before torch sees the file.
"""

import hashlib
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from model_tools.errors import CheckpointRejected
from model_tools.formats.sizes import MIB
from model_tools.packaging.checkpoint.compiled_file import check_program, check_script, check_weights
from model_tools.packaging.checkpoint.foreign_checkpoints import HEAD_BYTES, foreign_checkpoint
from model_tools.packaging.checkpoint.pickle_names import names_in_pickles
from model_tools.packaging.limits import Limits

Kind = Literal["state_dict", "safetensors", "torchscript", "pt2"]
CHUNK = MIB
ZIP_MAGIC = b"PK\x03\x04"
LEGACY_MAGIC = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
"""The pickled magic number at the head of torch.save's older format, which is no zip (the default before torch 1.6)."""
MAX_SAFETENSORS_HEADER = 100_000_000
"""The safetensors format's own limit for its header, in bytes."""
ENCRYPTED = 0x1
"""The bit of a zip member's flags that marks it as encrypted."""


@dataclass(frozen=True)
class CheckpointFile:
    """A checkpoint file that may be loaded."""

    path: Path
    kind: Kind
    sha256: str
    size: int
    """The size of the file in bytes."""


def examine_checkpoint(path: Path, *, limits: Limits) -> CheckpointFile:
    """Check a checkpoint file and tell its kind by its contents. Raises CheckpointRejected."""
    size = path.stat().st_size
    if size > limits.inflated_bytes:
        raise CheckpointRejected(_too_large(path.name, limits))
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if path.suffix == ".safetensors":
        _check_safetensors(path, size, head)
        kind: Kind = "safetensors"
    elif head.startswith(ZIP_MAGIC):
        kind = _kind_of_zip(path, check_zip(path, limits=limits))
    elif path.suffix == ".pt2":
        raise CheckpointRejected(f"{path.name} is no .pt2 file: write it with torch.export.save.")
    elif head.startswith(LEGACY_MAGIC):
        kind = "state_dict"
    else:
        raise CheckpointRejected(_not_torch(path, head))
    return CheckpointFile(path, kind, file_sha256(path), size)


def check_code(checkpoint: CheckpointFile) -> None:
    """Check what a compiled checkpoint would run, before torch sees it. Raises CheckpointRejected."""
    if checkpoint.kind == "torchscript":
        check_script(checkpoint.path, name=checkpoint.path.name)
    elif checkpoint.kind == "pt2":
        check_program(checkpoint.path, name=checkpoint.path.name)


def check_zip(path: Path, *, limits: Limits) -> list[str]:
    """Verify a zip's structure, inflated size, ratio and checksums; return its names without their top folder.

    The file is read once, a chunk at a time. Raises CheckpointRejected.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_directory(path.name, members, limits)
            for member in members:
                with archive.open(member) as stream:
                    while stream.read(CHUNK):
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, struct.error, NotImplementedError, ValueError) as error:
        raise CheckpointRejected(
            f"{path.name} is damaged ({error or type(error).__name__}): copy or save it again, and compare its size "
            "with the original."
        ) from error
    return [_inner_name(member.filename) for member in members]


def file_sha256(path: Path) -> str:
    """Return a file's digest, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_directory(name: str, members: list[zipfile.ZipInfo], limits: Limits) -> None:
    if not members or len(members) > limits.members:
        raise CheckpointRejected(
            f"{name} is a zip of {len(members):,} members; 1 to {limits.members:,} are accepted: save the model again."
        )
    names = set()
    packed = inflated = end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or member.filename in names:
            raise CheckpointRejected(
                f"{name} has the member {member.filename!r} twice or outside itself: save it again."
            )
        if member.flag_bits & ENCRYPTED:
            raise CheckpointRejected(f"{name} is encrypted: save it without a password.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise CheckpointRejected(f"{name} is packed by a method that torch cannot read: save it with torch.save.")
        if member.header_offset < end:
            raise CheckpointRejected(f"{name} has members that overlap, as a zip bomb has: save it with torch.save.")
        names.add(member.filename)
        end = member.header_offset + member.compress_size
        packed += member.compress_size
        inflated += member.file_size
    if inflated > limits.inflated_bytes:
        raise CheckpointRejected(_too_large(name, limits))
    if inflated > limits.ratio_free_bytes and inflated > limits.inflation_ratio * max(packed, 1):
        raise CheckpointRejected(
            f"{name} inflates to {inflated / max(packed, 1):,.0f} times its size ({inflated:,} bytes), as a zip bomb "
            f"does; {limits.inflation_ratio:g} times is the limit: save the real weights with torch.save."
        )


def _kind_of_zip(path: Path, names: list[str]) -> Kind:
    if path.suffix == ".pt2":
        _check_pt2(path, names)
        return "pt2"
    if "constants.pkl" in names:
        return "torchscript"
    if "data.pkl" in names:
        check_weights(path, name=path.name)
        return "state_dict"
    if "archive_format" in names or "serialized_exported_program.json" in names:
        raise CheckpointRejected(f"{path.name} holds a torch.export program: name it with the suffix .pt2.")
    raise CheckpointRejected(
        f"{path.name} is a zip, but not one that torch.save or torch.jit.save wrote: save the model again with either."
    )


def _check_pt2(path: Path, names: list[str]) -> None:
    """Refuse a `.pt2` with parts that could run code when it is loaded: native code, and pickled objects."""
    if "models/model.json" not in names:
        raise CheckpointRejected(f"{path.name} holds no program named 'model': write it with torch.export.save.")
    if any(name.startswith("data/aotinductor/") for name in names):
        raise CheckpointRejected(f"{path.name} holds compiled native code: publish what torch.export.save writes.")
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not _inner_name(member.filename).endswith("_config.json"):
                continue
            try:
                entries = dict(json.loads(archive.read(member))["config"])
                pickled = sorted(name for name, entry in entries.items() if entry["use_pickle"])
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise CheckpointRejected(
                    f"{path.name}: {member.filename} is damaged: export the model again."
                ) from error
            if pickled:
                raise CheckpointRejected(
                    f"{path.name} holds pickled objects ({', '.join(pickled[:3])}), which could run code when they are "
                    "loaded: export the model with plain tensors for weights and constants."
                )


def _check_safetensors(path: Path, size: int, head: bytes) -> None:
    """Check that the header is 8 bytes of length and then JSON, and that all tensors' bytes are inside the file."""
    problem = "its header is cut off"
    with path.open("rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) == 8 and length <= min(size - 8, MAX_SAFETENSORS_HEADER):  # noqa: PLR2004 (the format's prefix)
            try:
                header = json.loads(file.read(length))
                ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
                problem = "" if max(ends, default=0) == size - 8 - length else "it is cut off, or longer than it says"
            except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
                problem = "its header is not the format's"
    if problem:
        foreign = foreign_checkpoint(path.name, head)
        if foreign is not None:
            raise CheckpointRejected(foreign)
        raise CheckpointRejected(f"{path.name} is no intact .safetensors file ({problem}): copy or save it again.")


def _inner_name(name: str) -> str:
    """Return a name without its top folder, into which torch puts all members and which it names after the file."""
    return name.partition("/")[2]


def _too_large(name: str, limits: Limits) -> str:
    return (
        f"{name} inflates to more than {limits.inflated_bytes:,} bytes, which is the limit: save the weights alone "
        "(model.state_dict()), without optimizer state, or in a smaller dtype."
    )


def _not_torch(path: Path, head: bytes) -> str:
    foreign = foreign_checkpoint(path.name, head)
    if foreign is not None:
        return foreign
    if head.startswith(b"\x80"):
        with path.open("rb") as file:
            names = ", ".join(names_in_pickles(file)[:5]) or "nothing by name"
        return (
            f"{path.name} is a bare pickle that wants {names}, so loading it could run code: load it where you trust "
            "it, and save the weights with torch.save(model.state_dict(), …) or as .safetensors."
        )
    return (
        f"{path.name} is no checkpoint that torch wrote, or it is damaged: save it with torch.save(model.state_dict(), "
        "…), torch.jit.save, or as .safetensors."
    )
