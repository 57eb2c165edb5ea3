import json
import re

import pytest

from model_tools.bundling.inventory import bill_of_materials, describe
from model_tools.bundling.pack import PackedBundle
from model_tools.formats.runtime_reference import Part
from tests.support.bundling.made_up import package

PARTS = PackedBundle(
    serving=Part(sha256="1" * 64, size=5, unpacked_size=4096), whole=Part(sha256="2" * 64, size=9, unpacked_size=8192)
)
FILES = {
    "pkg/__init__.py": b"one",
    "pkg/__pycache__/__init__.cpython-311.pyc": b"code",
    "pkg/lib.so": b"machine code",
    "other.py": b"",
}


@pytest.fixture
def made(tmp_path):
    packages = {
        "pkg": package(tmp_path, "pkg", {"pkg/__init__.py": b"", "pkg/lib.so": b"", "pkg/unused.py": b""},
                       headers="License-Expression: MIT AND Zlib"),
        "other": package(tmp_path, "other", {"other.py": b""}, headers="License: Apache-2.0"),
        "unused": package(tmp_path, "unused", {"unused.py": b""}),
    }  # fmt: skip
    for name, data in FILES.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    reference = describe("torch", PARTS, tmp_path / "tree", packages, python="3.11", machine="x86_64")
    return reference, bill_of_materials(reference, tmp_path / "tree", packages)


def test_a_reference_names_the_packages_that_the_bundle_holds_files_of(made):
    reference, _ = made

    assert reference.packages == {"other": "1.0", "pkg": "1.0"}
    assert reference.uri == f"runtimes/{'2' * 64}.tar.zst"
    assert (reference.serving, reference.part("whole")) == (PARTS.serving, PARTS.whole)


def test_the_bill_of_materials_has_what_cyclonedx_requires(made):
    _, bill = made

    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])
    components = bill["components"] + [bill["metadata"]["component"]] + bill["metadata"]["tools"]["components"]
    components += [file for component in bill["components"] for file in component.get("components", [])]
    for component in components:
        assert component["type"] in {"application", "framework", "library", "file"}
        assert component["name"]
        for digest in component.get("hashes", []):
            assert digest["alg"] == "SHA-256"
            assert re.fullmatch("[0-9a-f]{64}", digest["content"])
    references = [component["bom-ref"] for component in [*bill["components"], bill["metadata"]["component"]]]
    assert len(set(references)) == len(references)
    assert {ref for entry in bill["dependencies"] for ref in [entry["ref"], *entry["dependsOn"]]} == set(references)
    json.dumps(bill)


def test_the_bill_names_versions_licences_sizes_and_libraries_of_what_is_held(made):
    _, bill = made
    other, pkg = bill["components"]

    assert (pkg["purl"], pkg["licenses"]) == ("pkg:pypi/pkg@1.0", [{"expression": "MIT AND Zlib"}])
    assert other["licenses"] == [{"license": {"name": "Apache-2.0"}}]
    assert {"name": "model-tools:size", "value": "19"} in pkg["properties"]
    assert [file["name"] for file in pkg["components"]] == ["pkg/lib.so"]
    assert "components" not in other


def test_the_same_bundle_has_the_same_bill(made, tmp_path):
    reference, bill = made

    assert "timestamp" not in bill["metadata"]
    assert reference.sha256 in json.dumps(bill)
