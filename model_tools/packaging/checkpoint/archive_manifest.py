"""Reads the manifest out of an archive that is not unpacked, as the command line and ResolveModel need it."""

import tarfile
from typing import IO

from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelTooLarge
from model_tools.formats.manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES
from model_tools.formats.manifest_place import choose_manifest, is_manifest, is_near_name, several_manifests
from model_tools.formats.paths import is_foreign, stored_path
from model_tools.packaging.checkpoint.tar_members import MeasuredMember

MAX_INFLATED_BYTES = 16 << 30
"""The inflated bytes of an archive that are searched for its manifest."""
MAX_MANIFESTS = 100
"""The number of manifests that are kept in memory until it is clear which of them is meant."""


def read_archive_manifest(stream: IO[bytes], *, where: str) -> bytes:
    """Return the bytes of the manifest in a tar that is already inflated; messages call the archive `where`.

    It is the manifest that `choose_manifest` names, so the same one that packaging finds once all is unpacked. One at
    the top wins whatever follows, so then the rest is not read. Raises ManifestInvalid, ModelTooLarge, and the errors
    of `choose_manifest`; tarfile's own errors for a damaged archive.
    """
    found: dict[str, bytes] = {}
    near: list[str] = []
    outside: list[str] = []
    searched = 0
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=MeasuredMember) as archive:
        for member in archive:
            searched += member.size
            if searched > MAX_INFLATED_BYTES:
                raise ModelTooLarge(f"{where} inflates beyond {MAX_INFLATED_BYTES:,} bytes before its manifest.")
            path = _normal_file(member)
            if path is None:
                outside += [member.name] if _is_outside(member) else []
                continue
            if is_near_name(path.rpartition("/")[2]):
                near = [*near, path][:MAX_MANIFESTS]
            if not is_manifest(path):
                continue
            if path in found:
                raise CheckpointRejected(f"{where} has {path} twice: pack it anew.")
            found[path] = _content(archive, member, where)
            if path == MANIFEST_NAME:
                return found[path]
            if len(found) > MAX_MANIFESTS:
                raise several_manifests(sorted(found), where=where)
    if outside and not found:
        raise _outside(where, outside[0])
    return found[choose_manifest([*found, *near], where=where)]


def _is_outside(member: tarfile.TarInfo) -> bool:
    """Tell whether a member is a manifest whose path is absolute or has `..` in it, which packaging refuses."""
    *folders, name = member.name.split("/")
    return member.isfile() and name == MANIFEST_NAME and (member.name.startswith("/") or ".." in folders)


def _outside(where: str, path: str) -> CheckpointRejected:
    return CheckpointRejected(
        f"{where} holds {path!r}, which is no path inside the model's folder: pack the model from inside its folder, "
        "with `tar czf model.tar.gz *`."
    )


def _normal_file(member: tarfile.TarInfo) -> str | None:
    """Return the normal form of a plain file's path; None for what packaging leaves out or refuses."""
    if not member.isfile() or is_foreign(member.name):
        return None
    try:
        return stored_path(member.name)
    except ValueError:
        return None


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo, where: str) -> bytes:
    if member.size > MAX_MANIFEST_BYTES:
        raise ManifestInvalid(f"{where}: {member.name} is larger than {MAX_MANIFEST_BYTES:,} bytes: correct it.")
    content = archive.extractfile(member)
    return content.read() if content else b""
