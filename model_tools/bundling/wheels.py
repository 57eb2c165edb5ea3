"""Fetches and unpacks the wheels of packages for another Python or processor, without running any of them."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_tools.bundling.distributions import InstalledPackage, package_of
from model_tools.errors import RuntimeMismatch, RuntimeMissing
from model_tools.formats.paths import is_inside

PYTHON = re.compile(r"3\.\d{1,2}")
PLATFORM = re.compile(r"manylinux_2_(?P<glibc>\d{1,2})_(?P<machine>x86_64|aarch64)")
OLDEST_GLIBC = 5
"""The oldest glibc, 2.5, that wheels for Linux are built for (PEP 513)."""
LEGACY_TAGS = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""The older names of three platforms, by the minor version of their glibc (PEP 600)."""
EXTENSION_TAG = re.compile(r"\.cpython-3\d+-(?:x86_64|aarch64)-linux-gnu\.so$")
"""Matches the ending of an extension module that is built for one Python and processor."""
TOLD_CHARACTERS = 1500
"""The last characters of pip's output that a message quotes."""


@dataclass(frozen=True)
class WheelTarget:
    """The Python and the platform that a bundle is built for."""

    python: str
    """The version of Python, such as 3.13."""
    platform: str
    """The processor and the oldest glibc that the bundle must run with, such as manylinux_2_28_x86_64."""

    def __post_init__(self) -> None:
        """Raise RuntimeMismatch for a Python or a platform that is not well-formed."""
        if not PYTHON.fullmatch(self.python):
            raise RuntimeMismatch(f"--python {self.python!r} is no version such as 3.13.")
        if not PLATFORM.fullmatch(self.platform):
            raise RuntimeMismatch(
                f"--platform {self.platform!r} is none of manylinux_2_<glibc>_x86_64 and manylinux_2_<glibc>_aarch64; "
                "Lambda's Python 3.12 and later is manylinux_2_28 and newer."
            )

    @property
    def machine(self) -> str:
        """The processor, x86_64 or aarch64."""
        return self.platform.rpartition("_2_")[2].partition("_")[2]

    @property
    def tags(self) -> list[str]:
        """The platform and all older ones, whose wheels run on it too; pip must be told each of them."""
        newest = int(self.platform.split("_")[2])
        tags = []
        for glibc in range(newest, OLDEST_GLIBC - 1, -1):
            tags.append(f"manylinux_2_{glibc}_{self.machine}")
            if glibc in LEGACY_TAGS:
                tags.append(f"{LEGACY_TAGS[glibc]}_{self.machine}")
        return [*tags, f"linux_{self.machine}"]

    def name_of(self, file: str) -> str:
        """Return the target's name for an extension module of this Python; any other file keeps its name."""
        abi = f"cpython-{self.python.replace('.', '')}"
        return EXTENSION_TAG.sub(f".{abi}-{self.machine}-linux-gnu.so", file)


def download_wheels(
    packages: Iterable[InstalledPackage], target: WheelTarget, folder: Path, indexes: Sequence[str] = ()
) -> None:
    """Fetch the wheels of the packages' versions for the target, by pip. Raises RuntimeMissing, which quotes pip."""
    wanted = [f"{package.name}=={package.version.partition('+')[0]}" for package in packages]
    options = [word for tag in target.tags for word in ("--platform", tag)]
    options += [word for index in indexes for word in ("--extra-index-url", index)]
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
            "--only-binary=:all:", "--implementation", "cp", "--python-version", target.python, *options,
            "--dest", str(folder), *wanted,
        ],
        check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeMissing(
            f"pip finds no wheels for Python {target.python} on {target.platform}: {done.stdout[-TOLD_CHARACTERS:]}"
        )


def unpack_wheels(folder: Path, destination: Path) -> dict[str, InstalledPackage]:
    """Unpack all wheels of a folder, each into a folder of its own, and return the packages by name.

    Raises RuntimeMissing for a folder without wheels and for a file that is no intact wheel.
    """
    packages = {}
    for wheel in sorted(folder.glob("*.whl")):
        root = destination / wheel.stem
        try:
            with zipfile.ZipFile(wheel) as archive:
                for member in archive.infolist():
                    if not is_inside(member.filename):
                        raise RuntimeMissing(f"{wheel.name} holds {member.filename!r}: it is no wheel. Remove it.")
                    _unpack(archive, member, root)
            (info,) = root.glob("*.dist-info")
        except (zipfile.BadZipFile, ValueError) as error:
            raise RuntimeMissing(f"{wheel.name} is damaged ({error}): fetch it again.") from error
        package = package_of(importlib.metadata.PathDistribution(info), root=root)
        packages[package.name] = package
    if not packages:
        raise RuntimeMissing(f"There is no wheel in {folder}: put the runtime's wheels there.")
    return packages


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, root: Path) -> None:
    if member.is_dir():
        return
    # Files in a wheel's name.data/platlib are installed beside its other files.
    target = root / re.sub(r"^[^/]+\.data/(?:platlib|purelib)/", "", member.filename)
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    target.chmod(0o755 if member.external_attr >> 16 & 0o100 else 0o644)
