"""Unpacks a checkpoint archive (`model.tar.gz`, as SageMaker training writes it) that cannot be trusted.

Only plain files and folders are unpacked, only below the target folder, and no more bytes than the limits allow. The
archive is read once, as a stream.
"""

import io
import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from isal import igzip
from isal.igzip_lib import IsalError

from model_tools.errors import CheckpointRejected, ModelNotFound
from model_tools.formats.manifest_place import choose_manifest
from model_tools.formats.paths import is_foreign, stored_path
from model_tools.formats.sizes import MIB
from model_tools.packaging.checkpoint.folder_files import files_below
from model_tools.packaging.checkpoint.tar_members import MAX_HEADER_BYTES, HeaderTooLarge, MeasuredMember
from model_tools.packaging.limits import Limits

if TYPE_CHECKING:
    from typing_extensions import Buffer  # collections.abc has it from Python 3.12 on

CHUNK = MIB
"""Bytes that are copied at once."""
_ISAL_ERROR: type[Exception] = IsalError  # type: ignore[assignment]  # its stub calls it an instance
_DAMAGE = (tarfile.TarError, igzip.BadGzipFile, EOFError, OSError, _ISAL_ERROR, ValueError, RecursionError)


class _CountedStream(io.RawIOBase):
    """The packed archive as a stream that counts its bytes; it needs only `read` of the stream below."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer") -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self.count += len(data)
        return len(data)


class _Inflated:
    """The unpacked archive as a stream that refuses to go beyond the limits."""

    def __init__(self, packed: _CountedStream, limits: Limits) -> None:
        self._stream = igzip.IGzipFile(fileobj=packed, mode="rb")  # type: ignore[no-untyped-call]
        self._packed = packed
        self._limits = limits
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._stream.read(size)
        self.count += len(data)
        if self.count > self._limits.inflated_bytes:
            raise CheckpointRejected(
                f"The archive unpacks to more than {self._limits.inflated_bytes:,} bytes, which is the limit: "
                "remove what publishing does not need, such as optimizer states."
            )
        free = self.count <= self._limits.ratio_free_bytes
        if not free and self.count > self._limits.inflation_ratio * max(self._packed.count, 1):
            raise CheckpointRejected(
                f"The archive unpacks to more than {self._limits.inflation_ratio:g} times its size, as a decompression "
                "bomb does: pack the real weights, without large stretches of zeros."
            )
        return data


def unpack_checkpoint(archive: Path | BinaryIO, into: Path, *, limits: Limits | None = None) -> Path:
    """Unpack a `.tar.gz` into an empty folder and return the folder in it that holds `publish.yaml`.

    Raises CheckpointRejected for an archive that is damaged, too large, or holds anything but plain files and folders
    below its top; ModelNotFound when the archive or a `publish.yaml` in it is missing.
    """
    limits = limits or Limits()
    into.mkdir(parents=True, exist_ok=True)
    if isinstance(archive, Path):
        try:
            stream = archive.open("rb")
        except OSError as error:
            raise ModelNotFound(
                f"{archive.name} cannot be opened ({error.strerror}): check the model's address."
            ) from error
        with stream:
            _unpack(stream, into, limits)
    else:
        _unpack(archive, into, limits)
    return find_manifest_folder(into)


def find_manifest_folder(folder: Path) -> Path:
    """Return the folder of the manifest in an unpacked archive. Raises the errors of `choose_manifest`."""
    files = files_below(folder)
    return files[choose_manifest(files, where="The archive")].parent


def _unpack(stream: BinaryIO, into: Path, limits: Limits) -> None:
    inflated = _Inflated(_CountedStream(stream), limits)
    count = 0
    try:
        with tarfile.open(fileobj=cast("BinaryIO", inflated), mode="r|", tarinfo=MeasuredMember) as tar:
            for member in tar:
                count += 1
                if count > limits.members:
                    raise CheckpointRejected(
                        f"The archive has more than {limits.members:,} members, which is the limit: pack the model "
                        "only."
                    )
                _unpack_member(tar, member, into)
        while inflated.read(CHUNK):
            pass  # gzip's checksum stands at the very end, so the rest must be read too
    except HeaderTooLarge as error:
        raise CheckpointRejected(
            f"The archive has a header of more than {MAX_HEADER_BYTES:,} bytes, which no file name needs: pack it anew."
        ) from error
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # an error with a number comes from the disk, not from the archive
        raise CheckpointRejected(
            f"The archive is damaged or no .tar.gz ({error or type(error).__name__}): pack it anew with `tar czf`, and "
            "compare its size with the original."
        ) from error


def _unpack_member(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    """Write a member below the folder under the normal form of its name; files that no model has are left out."""
    if is_foreign(member.name) or (member.isdir() and member.name in {"", ".", "./"}):
        return
    try:
        target = into / stored_path(member.name)
    except ValueError as error:
        raise CheckpointRejected(
            f"The archive's member {error}, or pack the model from inside its folder, with `tar czf model.tar.gz *`."
        ) from error
    if member.isdir():
        _make_folder(target, member)
        return
    if not member.isreg() or member.issparse():
        raise CheckpointRejected(
            f"The archive's member {member.name!r} is a link, a device or another special file: only plain files and "
            "folders are accepted; pack copies of the files (`tar --dereference --hard-dereference`)."
        )
    _make_folder(target.parent, member)
    source = tar.extractfile(member)
    if source is None:  # a plain file always has contents, but mypy cannot know that
        raise CheckpointRejected(f"The archive's member {member.name!r} cannot be read: pack it anew.")
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except (FileExistsError, IsADirectoryError) as error:
        raise _twice(member) from error
    with os.fdopen(descriptor, "wb") as file:
        while chunk := source.read(CHUNK):
            file.write(chunk)


def _make_folder(folder: Path, member: tarfile.TarInfo) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _twice(member) from error


def _twice(member: tarfile.TarInfo) -> CheckpointRejected:
    return CheckpointRejected(
        f"The archive has two members named {member.name!r}, or a file and a folder of that name, and nobody can tell "
        "which one is meant: pack it anew."
    )
