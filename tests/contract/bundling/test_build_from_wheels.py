"""A bundle for another Python, made of made-up wheels: nothing of them is run."""

import json
import platform
import sys
import zipfile

import pytest

from model_tools.bundling.build_for import build_from_wheels, find_python
from model_tools.bundling.use import Use
from model_tools.bundling.wheels import WheelTarget, unpack_wheels
from model_tools.errors import RuntimeMismatch, RuntimeMissing
from model_tools.runtime.unpacking import unpack_runtime
from tests.support.bundling.made_up import wheel
from tests.support.runtime.bundles import elf

MACHINES = {"x86_64": 62, "aarch64": 183}
BOMB = b"raise SystemExit('this was run')\n"
USED = ("pkg/__init__.py", "pkg/_fast.cpython-311-x86_64-linux-gnu.so")


def extension(target, **linkage):
    return {target.name_of(USED[1]): elf(machine=MACHINES[target.machine], **linkage)}


@pytest.fixture
def build(tmp_path):
    def build_with(target, files, *, serving=USED, more=()):
        wheel(tmp_path / "wheels", "pkg", files, headers="License-Expression: MIT")
        told = []
        built = build_from_wheels(
            "torch", Use(serving, (*USED, *more)), unpack_wheels(tmp_path / "wheels", tmp_path / "unpacked"),
            tmp_path / "out", tmp_path / "tree", target, level=3, report=told.append,
        )  # fmt: skip
        return built, told

    return build_with


def names_in(built, tmp_path, part="whole"):
    here = built.reference.model_copy(
        update={"python": f"{sys.version_info.major}.{sys.version_info.minor}", "platform": platform.machine()}
    )
    home = unpack_runtime(here, lambda _: built.bundle.open("rb"), tmp_path / "loaded", part)
    return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(WheelTarget("3.13", "manylinux_2_28_aarch64"), id="aarch64"),
        pytest.param(WheelTarget("3.13", "manylinux_2_28_x86_64"), id="x86_64"),
    ],
)
def test_a_bundle_holds_the_used_files_under_their_names_there_and_the_libraries_they_need(target, build, tmp_path):
    library = elf(machine=MACHINES[target.machine], soname="libone-12ab.so.1")
    files = {
        "pkg/__init__.py": BOMB, "pkg/unused.py": BOMB, **extension(target, needed=["libone-12ab.so.1"]),
        "pkg.libs/libone-12ab.so.1": library, "pkg-1.0.data/platlib/pkg/more.py": BOMB,
    }  # fmt: skip
    built, _ = build(target, files, more=["pkg/more.py"])
    sources = {name for name in names_in(built, tmp_path) if not name.endswith(".pyc")}

    assert sources == {
        "pkg/__init__.py", "pkg/more.py", target.name_of(USED[1]), "pkg.libs/libone-12ab.so.1",
        "pkg-1.0.dist-info/METADATA",
    }  # fmt: skip
    assert "pkg/more.py" not in names_in(built, tmp_path, "serving")
    assert (built.reference.python, built.reference.platform) == ("3.13", target.machine)
    assert built.reference.packages == {"pkg": "1.0"}
    assert json.loads(built.sbom.read_text())["components"][0]["licenses"] == [{"license": {"name": "MIT"}}]


def test_without_that_python_there_is_no_compiled_code_and_that_is_said(build, tmp_path, monkeypatch):
    target = WheelTarget("3.13", "manylinux_2_28_x86_64")
    monkeypatch.setenv("PATH", str(tmp_path))
    built, told = build(target, {"pkg/__init__.py": BOMB, **extension(target)})

    assert not [name for name in names_in(built, tmp_path) if name.endswith(".pyc")]
    assert any("no python3.13 runs here" in line for line in told)


def test_a_python_that_is_only_a_name_counts_as_none(tmp_path, monkeypatch):
    (tmp_path / "python3.99").write_text("#!/bin/sh\nexit 127\n")
    (tmp_path / "python3.99").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    assert find_python("3.99") is None
    assert find_python(f"3.{sys.version_info.minor}") == sys.executable


def test_a_library_for_another_processor_is_refused(build):
    target = WheelTarget("3.13", "manylinux_2_28_aarch64")
    with pytest.raises(RuntimeMismatch, match="is for x86_64, the bundle for aarch64"):
        build(target, {"pkg/__init__.py": BOMB, target.name_of(USED[1]): elf(machine=62)})


def test_a_build_for_graphics_processors_is_refused_with_the_index_of_the_other(build):
    target = WheelTarget("3.13", "manylinux_2_28_x86_64")
    with pytest.raises(RuntimeMismatch, match="--index-url"):
        build(target, {"pkg/__init__.py": BOMB, **extension(target, needed=["libcudart.so.12"])})


def test_a_folder_without_wheels_is_told(tmp_path):
    with pytest.raises(RuntimeMissing, match="no wheel in"):
        unpack_wheels(tmp_path, tmp_path / "unpacked")


@pytest.mark.parametrize("name", ["../outside.py", "/etc/outside.py"])
def test_a_wheel_that_leaves_its_folder_is_refused(name, tmp_path):
    path = wheel(tmp_path / "wheels", "pkg", {})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")

    with pytest.raises(RuntimeMissing, match="it is no wheel"):
        unpack_wheels(tmp_path / "wheels", tmp_path / "unpacked")
    assert not (tmp_path / "unpacked/outside.py").exists()


def test_a_damaged_wheel_is_refused(tmp_path):
    (tmp_path / "pkg-1.0-py3-none-any.whl").write_bytes(b"PK no zip")

    with pytest.raises(RuntimeMissing, match="is damaged"):
        unpack_wheels(tmp_path, tmp_path / "unpacked")
