"""A finished bundle and what goes with it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from model_tools.formats.runtime_reference import RuntimeReference


@dataclass(frozen=True)
class BuiltRuntime:
    """The files of one build, all in one folder and named by the bundle's digest."""

    reference: RuntimeReference
    """Its URI is the key in the artifacts bucket until it is uploaded."""
    bundle: Path
    """<sha256>.tar.zst"""
    inventory: Path
    """<sha256>.json: the reference."""
    sbom: Path
    """<sha256>.cdx.json"""

    def copied_to(self, folder: Path) -> "BuiltRuntime":
        """Copy the files to a folder and return them there."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in self.files:
            shutil.copyfile(path, folder / path.name)
        return BuiltRuntime(self.reference, *files_in(folder, self.reference.sha256))

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """All of them."""
        return self.bundle, self.inventory, self.sbom


def files_in(folder: Path, sha256: str) -> tuple[Path, Path, Path]:
    """Return where the bundle, the inventory and the bill of materials of a digest are."""
    return folder / f"{sha256}.tar.zst", folder / f"{sha256}.json", folder / f"{sha256}.cdx.json"
