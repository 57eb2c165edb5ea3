"""Matches the pure-Python wheels of a custom model with its pinned requirements, and unpacks them.

A wheel is a zip. Its size and its digest are checked before any of its files is read, and no code in it is run.
"""

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path, PurePosixPath

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from model_tools.errors import CheckpointRejected, ManifestInvalid, ModelTooLarge
from model_tools.formats.archive import MAX_CODE_BYTES, MAX_CODE_FILES
from model_tools.formats.paths import matching
from model_tools.packaging.checkpoint.checkpoint_file import check_zip
from model_tools.packaging.checkpoint.folder_files import files_below
from model_tools.packaging.custom.requirements_file import PinnedRequirement, parse_requirements
from model_tools.packaging.limits import Limits

WHEELS_FOLDER = "wheels"
WHEELS_GLOB = f"{WHEELS_FOLDER}/*.whl"
BUNDLED_PACKAGES = frozenset({"torch", "numpy", "pillow", "safetensors"})
"""The packages of the runtime bundle, for which a model needs no wheel."""
NATIVE = (".so", ".pyd", ".dll", ".dylib")
"""The endings of files with native code."""
LIMITS = Limits(inflated_bytes=MAX_CODE_BYTES, members=MAX_CODE_FILES)


@dataclass(frozen=True)
class _Wheel:
    path: Path
    version: str
    needs: list[Requirement]
    """The requirements of the package that apply here."""


def download_command(folder: str, requirements: str) -> list[str]:
    """Return the arguments of pip that put the pure-Python wheels of a requirements file into a folder."""
    return [
        "download", "--only-binary=:all:", "--no-deps", "--implementation", "py", "--abi", "none", "--platform", "any",
        "--dest", folder, "--requirement", requirements,
    ]  # fmt: skip


def unpack_wheels(requirements: bytes, folder: Path, *, where: str) -> dict[str, bytes]:
    """Return the contents of all wheels' files by their paths in site-packages.

    Raises ManifestInvalid for a wheel that is missing, not named, not pure Python, not of the pinned version or digest,
    or that needs a package which is not named; CheckpointRejected for a damaged wheel, ModelTooLarge for large wheels.
    """
    pinned = parse_requirements(requirements, where=where)
    wheels = _find_wheels(folder, pinned, where)
    for name, wheel in wheels.items():
        _check_needs(name, wheel, wheels, where)
    files: dict[str, bytes] = {}
    for name, wheel in sorted(wheels.items()):
        contents = _contents(wheel.path)
        twice = sorted(files.keys() & contents.keys())
        if twice:
            raise ManifestInvalid(f"{where}: {name} brings {twice[0]}, which another wheel brings too: remove one.")
        files |= contents
        if sum(map(len, files.values())) > MAX_CODE_BYTES:
            raise ModelTooLarge(f"{where}: the wheels hold more than {MAX_CODE_BYTES:,} bytes: require fewer packages.")
    return files


def _find_wheels(folder: Path, pinned: Mapping[str, PinnedRequirement], where: str) -> dict[str, _Wheel]:
    found: dict[str, _Wheel] = {}
    files = files_below(folder)
    for path in (files[name] for name in matching("*.whl", files)):
        try:
            name, version, _, tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename as error:
            raise ManifestInvalid(f"{WHEELS_FOLDER}/{path.name} is no name of a wheel ({error}): remove it.") from error
        wanted = pinned.get(name)
        if wanted is None:
            raise ManifestInvalid(f"{WHEELS_FOLDER}/{path.name} is not named in {where}: name it, or remove the file.")
        if str(version) != wanted.version or name in found:
            raise ManifestInvalid(
                f"{WHEELS_FOLDER}/{path.name}: {where} pins {name}=={wanted.version}, once: remove the other wheels."
            )
        if not any(tag.abi == "none" and tag.platform == "any" for tag in tags):
            raise ManifestInvalid(
                f"{WHEELS_FOLDER}/{path.name} is built for one platform: only pure-Python wheels (none-any) can be "
                "part of a model; leave it out, or use the image lane for what needs native code."
            )
        found[name] = _open_wheel(path, wanted)
    missing = sorted(pinned.keys() - found.keys())
    if missing:
        raise ManifestInvalid(
            f"{where} names {', '.join(f'{name}=={pinned[name].version}' for name in missing)}, whose wheel is not in "
            f"{WHEELS_FOLDER}/: run pip {' '.join(download_command(WHEELS_FOLDER, where))} in the model's folder."
        )
    return found


def _open_wheel(path: Path, wanted: PinnedRequirement) -> _Wheel:
    if path.stat().st_size > MAX_CODE_BYTES:
        raise ModelTooLarge(f"{WHEELS_FOLDER}/{path.name} is larger than {MAX_CODE_BYTES:,} bytes: do without it.")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if wanted.sha256 and digest not in wanted.sha256:
        raise ManifestInvalid(
            f"{WHEELS_FOLDER}/{path.name} has the digest sha256:{digest}, which is none of those that are named: "
            "download it again."
        )
    try:
        check_zip(path, limits=LIMITS)
    except CheckpointRejected as error:
        fault = str(error).partition(": ")[0]
        raise CheckpointRejected(f"{WHEELS_FOLDER}/{fault}: download it again, or do without it.") from error
    with zipfile.ZipFile(path) as archive:
        native = [name for name in archive.namelist() if name.endswith(NATIVE) or ".so." in name]
        if native:
            raise ManifestInvalid(
                f"{WHEELS_FOLDER}/{path.name} holds native code ({native[0]}): only pure Python can be part of a model."
            )
        metadata = [
            name for name in archive.namelist() if name.endswith(".dist-info/METADATA") and name.count("/") == 1
        ]
        if len(metadata) != 1:
            raise CheckpointRejected(f"{WHEELS_FOLDER}/{path.name} has no METADATA: it is no wheel; download it again.")
        headers = BytesHeaderParser().parsebytes(archive.read(metadata[0]))
    try:
        needs = [Requirement(str(line)) for line in headers.get_all("Requires-Dist") or []]
    except InvalidRequirement as error:
        raise CheckpointRejected(f"{WHEELS_FOLDER}/{path.name}: its METADATA is damaged ({error}).") from error
    applying = [need for need in needs if _applies(need, wanted.extras)]
    return _Wheel(path, wanted.version, applying)


def _applies(need: Requirement, extras: frozenset[str]) -> bool:
    if need.marker is None:
        return True
    return any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def _check_needs(name: str, wheel: _Wheel, wheels: Mapping[str, _Wheel], where: str) -> None:
    for need in wheel.needs:
        needed = canonicalize_name(need.name)
        if needed in BUNDLED_PACKAGES:
            continue
        if needed not in wheels:
            raise ManifestInvalid(
                f"{where} does not name {need.name}, which {name}=={wheel.version} needs ({need}): pin it there too."
            )
        if not need.specifier.contains(wheels[needed].version, prereleases=True):
            raise ManifestInvalid(
                f"{where}: {name}=={wheel.version} needs {need}, and {needed}=={wheels[needed].version} is pinned: "
                "pin versions that fit together."
            )


def _contents(path: Path) -> dict[str, bytes]:
    """Return a wheel's files by their installed paths; scripts and compiled files are left out."""
    files = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            parts = PurePosixPath(member.filename).parts
            if member.is_dir() or member.filename.endswith(".pyc"):
                continue
            if parts[0].endswith(".data"):
                if parts[1:2] not in (("purelib",), ("platlib",)):
                    continue
                parts = parts[2:]
            files["/".join(parts)] = archive.read(member)
    return files
