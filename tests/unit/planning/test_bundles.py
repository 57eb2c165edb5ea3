"""Which runtime bundle a plan finds on this machine."""

import os
from pathlib import Path

import pytest

from model_tools.errors import RuntimeMissing
from model_tools.formats.runtime_reference import Part, RuntimeReference
from model_tools.planning.bundles import find_in_cache, find_in_folder


def put(folder: Path, digit: str, *, name: str = "torch", content: bytes = b"bundle") -> RuntimeReference:
    folder.mkdir(parents=True, exist_ok=True)
    reference = RuntimeReference(
        name=name, uri=f"runtimes/{digit * 64}.tar.zst", sha256=digit * 64, size=6, unpacked_size=4096,
        serving=Part(sha256=digit * 64, size=6, unpacked_size=4096), python="3.13", platform="x86_64", packages={},
    )  # fmt: skip
    (folder / f"{digit * 64}.json").write_text(reference.model_dump_json())
    (folder / f"{digit * 64}.tar.zst").write_bytes(content)
    (folder / f"{digit * 64}.cdx.json").write_text("{}")
    return reference


def test_a_folder_that_a_build_wrote_is_found_with_its_file_wherever_a_child_will_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = put(tmp_path / "build", "a")
    put(tmp_path / "build", "b", name="xgboost")
    monkeypatch.chdir(tmp_path)

    found = find_in_folder("torch", Path("build"))

    assert found.reference == reference
    assert found.file == tmp_path / "build" / f"{'a' * 64}.tar.zst"


def test_the_newest_of_several_is_taken(tmp_path: Path) -> None:
    put(tmp_path / "torch-3-x", "a")
    put(tmp_path / "torch-19-y", "b")
    os.utime(tmp_path / "torch-3-x", (2_000_000_000, 2_000_000_000))

    found = find_in_cache("torch", tmp_path)

    assert found is not None
    assert found.reference.sha256 == "a" * 64


def test_a_bundle_that_is_cut_off_is_none(tmp_path: Path) -> None:
    put(tmp_path / "torch-3-x", "a", content=b"bun")

    assert find_in_cache("torch", tmp_path) is None


def test_an_empty_cache_has_none_and_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert find_in_cache("torch", tmp_path / "nothing") is None
    with pytest.raises(RuntimeMissing, match="runtime build --name xgboost"):
        find_in_folder("xgboost", tmp_path)
