"""A finished bundle, with its reference and its bill of materials."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from model_tools.formats.runtime_reference import RuntimeReference


@dataclass(frozen=True)
class BuiltRuntime:
    """The files of one build. They lie in one folder and are named by the bundle's digest."""

    reference: RuntimeReference
    """The bundle's reference, whose URI is only the key in the artifacts bucket until the bundle is uploaded."""
    bundle: Path
    """The bundle, <sha256>.tar.zst."""
    inventory: Path
    """The reference as JSON, <sha256>.json."""
    sbom: Path
    """The bill of materials, <sha256>.cdx.json."""

    def copied_to(self, folder: Path) -> "BuiltRuntime":
        """Copy the files to a folder and return the build there."""
        folder.mkdir(parents=True, exist_ok=True)
        for path in self.files:
            shutil.copyfile(path, folder / path.name)
        return BuiltRuntime(self.reference, *files_in(folder, self.reference.sha256))

    @property
    def files(self) -> tuple[Path, Path, Path]:
        """The bundle, the inventory and the bill of materials."""
        return self.bundle, self.inventory, self.sbom


def files_in(folder: Path, sha256: str) -> tuple[Path, Path, Path]:
    """Return the paths of the bundle, the inventory and the bill of materials with a digest."""
    return folder / f"{sha256}.tar.zst", folder / f"{sha256}.json", folder / f"{sha256}.cdx.json"
