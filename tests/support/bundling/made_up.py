"""Small made-up packages, as installed ones and as wheels."""

import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

from model_tools.bundling.distributions import InstalledPackage, package_of


def metadata(name: str, version: str = "1.0", *, headers: str = "") -> str:
    return f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n{headers}\n"


def package(folder: Path, name: str, files: dict[str, bytes], *, headers: str = "") -> InstalledPackage:
    """Return a package whose files lie in a folder of its own."""
    root = folder / name
    info = f"{name}-1.0.dist-info"
    for path, data in {**files, f"{info}/METADATA": metadata(name, headers=headers).encode()}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return package_of(PathDistribution(root / info), root=root)


def wheel(folder: Path, name: str, files: dict[str, bytes], *, tag: str = "py3-none-any", headers: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        info = f"{name}-1.0.dist-info"
        for member, data in {**files, f"{info}/METADATA": metadata(name, headers=headers).encode()}.items():
            archive.writestr(member, data)
    return path
