"""Describes a bundle: the reference, by which it is loaded, and the bill of materials, which lists its packages.

The bill is CycloneDX 1.6 in JSON [cyclonedx.org/docs/1.6/json]. It has no timestamp and no random serial number, so
that the same bundle has the same bill.
"""

import hashlib
import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from model_tools.bundling.built import files_in
from model_tools.bundling.distributions import InstalledPackage
from model_tools.bundling.pack import PackedBundle
from model_tools.formats.manifest import Library
from model_tools.formats.runtime_reference import RuntimeReference, bundle_key
from model_tools.version import tools_version

SPDX_OF_CLASSIFIERS = {
    "Apache Software License": "Apache-2.0", "BSD License": "BSD-3-Clause", "MIT License": "MIT",
    "Python Software Foundation License": "PSF-2.0",
}  # fmt: skip
"""The SPDX identifiers of licences that packages name by a classifier."""


def packages_of(files: Iterable[str], packages: Iterable[InstalledPackage]) -> list[InstalledPackage]:
    """Return the packages to which any of the files belongs, sorted by name."""
    held = set(files)
    return sorted((package for package in packages if package.files & held), key=lambda package: package.name)


def describe(
    name: Library,
    packed: PackedBundle,
    tree: Path,
    packages: Mapping[str, InstalledPackage],
    *,
    python: str,
    machine: str,
) -> RuntimeReference:
    """Return the reference of a packed bundle."""
    return RuntimeReference(
        name=name,
        uri=bundle_key(packed.whole.sha256),
        sha256=packed.whole.sha256,
        size=packed.whole.size,
        unpacked_size=packed.whole.unpacked_size,
        python=python,
        platform=machine,
        packages={package.name: package.version for package in packages_of(_names(tree), packages.values())},
        serving=packed.serving,
    )


def write_inventory(
    reference: RuntimeReference, tree: Path, packages: Mapping[str, InstalledPackage], destination: Path
) -> None:
    """Write the reference and the bill of materials beside the bundle."""
    _, inventory, sbom = files_in(destination, reference.sha256)
    inventory.write_text(reference.model_dump_json(indent=1) + "\n", encoding="utf-8")
    bill = bill_of_materials(reference, tree, packages)
    sbom.write_text(json.dumps(bill, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def bill_of_materials(
    reference: RuntimeReference, tree: Path, packages: Mapping[str, InstalledPackage]
) -> dict[str, Any]:
    """Return the CycloneDX document, with a component for each package and the digests of its shared libraries."""
    names = _names(tree)
    held = packages_of(names, packages.values())
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, reference.sha256)}",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "model-tools", "version": tools_version()}]},
            "component": {
                "type": "framework",
                "bom-ref": "runtime",
                "name": f"runtime-{reference.name}",
                "version": reference.sha256,
                "hashes": [{"alg": "SHA-256", "content": reference.sha256}],
                "properties": _properties(
                    python=reference.python, platform=reference.platform, size=reference.size,
                    unpacked_size=reference.unpacked_size,
                ),
            },
        },
        "components": [_component(package, names, tree) for package in held],
        "dependencies": [{"ref": "runtime", "dependsOn": [_purl(package) for package in held]}],
    }  # fmt: skip


def _component(package: InstalledPackage, names: Iterable[str], tree: Path) -> dict[str, Any]:
    own = sorted(_sources_of(package, names))
    libraries = [name for name in own if ".so" in name.rpartition("/")[2]]
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": _purl(package),
        "name": package.name,
        "version": package.version,
        "purl": _purl(package),
        "hashes": [{"alg": "SHA-256", "content": _digest_of_all(tree, own)}],
        "properties": _properties(files=len(own), size=sum((tree / name).stat().st_size for name in own)),
    }
    if package.licence:
        component["licenses"] = [_licence(package.licence)]
    if libraries:
        component["components"] = [
            {"type": "file", "name": name, "hashes": [{"alg": "SHA-256", "content": _digest(tree / name)}]}
            for name in libraries
        ]
    return component


def _licence(text: str) -> dict[str, Any]:
    if text in SPDX_OF_CLASSIFIERS:
        return {"license": {"id": SPDX_OF_CLASSIFIERS[text]}}
    words = text.replace("(", " ").replace(")", " ").split()
    if len(words) > 1 and {"AND", "OR", "WITH"} & set(words) and not set(words) & set(SPDX_OF_CLASSIFIERS):
        return {"expression": text}
    return {"license": {"name": text}}


def _properties(**values: object) -> list[dict[str, str]]:
    return [{"name": f"model-tools:{name}", "value": str(value)} for name, value in values.items()]


def _purl(package: InstalledPackage) -> str:
    return f"pkg:pypi/{package.name}@{package.version}".replace("+", "%2B")


def _sources_of(package: InstalledPackage, names: Iterable[str]) -> set[str]:
    """Return the bundle's files that belong to the package, including the code compiled from them."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for name in names:
        folder, _, base = name.rpartition("/")
        if base.endswith(".pyc"):
            by_source[f"{folder.removesuffix('__pycache__')}{base.partition('.')[0]}.py"].append(name)
        else:
            by_source[name].append(name)
    return {name for source in by_source.keys() & package.files for name in by_source[source]}


def _names(tree: Path) -> list[str]:
    return sorted(path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_of_all(tree: Path, names: Iterable[str]) -> str:
    """Return one digest over names and contents."""
    lines = "".join(f"{_digest(tree / name)}  {name}\n" for name in names)
    return hashlib.sha256(lines.encode()).hexdigest()
