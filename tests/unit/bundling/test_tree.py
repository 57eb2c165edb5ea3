import shutil
import sys
from pathlib import Path

import markupsafe._speedups
import pytest

from model_tools.bundling import tree
from model_tools.bundling.libraries import linkage_of
from model_tools.formats.runtime_reference import VIRTUAL_ROOT

TAG = sys.implementation.cache_tag


@pytest.fixture
def folder(tmp_path):
    for name in ("b/__init__.py", "a.py", "b/broken.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("def one():\n    return {'x', 'y', 'z'} | {1}\n")
    (tmp_path / "b/broken.py").write_text("def (:\n")
    return tmp_path


def test_sources_are_compiled_beside_them_and_never_checked_again(folder):
    told = []
    tree.compile_tree(folder, python=sys.executable, report=told.append)
    code = (folder / f"b/__pycache__/__init__.{TAG}.pyc").read_bytes()

    assert code[4:8] == b"\1\0\0\0"  # by hash, unchecked
    assert f"{VIRTUAL_ROOT}/b/__init__.py".encode() in code
    assert told == ["not compiled: b/broken.py: SyntaxError"]


def test_the_same_sources_give_the_same_code_wherever_they_lie(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("elsewhere") / "deep"
    shutil.copytree(folder, other)
    for place in (folder, other):
        tree.compile_tree(place, python=sys.executable, report=lambda _: None)

    assert (folder / f"__pycache__/a.{TAG}.pyc").read_bytes() == (other / f"__pycache__/a.{TAG}.pyc").read_bytes()


def test_files_are_copied_with_two_modes_only(tmp_path):
    (tmp_path / "tool").write_bytes(b"x")
    (tmp_path / "tool").chmod(0o700)
    (tmp_path / "data").write_bytes(b"x")
    (tmp_path / "data").chmod(0o666)
    tree.copy_files(["tool", "data"], {name: tmp_path / name for name in ("tool", "data")}, tmp_path / "tree")

    assert [(tmp_path / "tree" / name).stat().st_mode & 0o777 for name in ("tool", "data")] == [0o755, 0o644]


def fake_strip(folder: Path, script: str) -> str:
    """Put a `strip` on a PATH of its own; its last two arguments are the target and the source."""
    folder.mkdir()
    (folder / "strip").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "strip").chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


@pytest.fixture
def library(tmp_path):
    path = tmp_path / "tree/_speedups.so"
    path.parent.mkdir()
    shutil.copy(markupsafe._speedups.__file__, path)
    return path


def strip(library):
    told = []
    tree.strip_libraries(library.parent, machine=linkage_of(library).machine, report=told.append)
    return told


def test_a_library_is_replaced_by_what_strip_makes_of_it(library, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", fake_strip(tmp_path / "bin", 'head -c 1000000 "$4" > "$3"; printf stripped >> "$3"'))

    assert strip(library) == []
    assert library.read_bytes().endswith(b"stripped")
    assert list(library.parent.iterdir()) == [library]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("exit 1", id="strip fails"),
        pytest.param('head -c 300 "$4" > "$3"', id="strip cuts it off"),  # cut off
        pytest.param('printf "no library" > "$3"', id="strip writes nonsense"),
        # the first segment that is loaded gets an address that its alignment forbids
        pytest.param(
            'cp "$4" "$3"; chmod u+w "$3"; printf "\\001" | dd of="$3" bs=1 seek=80 conv=notrunc 2>/dev/null',
            id="strip damages it",
        ),
    ],
)
def test_a_library_that_strip_breaks_is_kept_as_it_was(script, library, tmp_path, monkeypatch):
    before = library.read_bytes()
    monkeypatch.setenv("PATH", fake_strip(tmp_path / "bin", script))

    assert strip(library) == ["not stripped: _speedups.so"]
    assert library.read_bytes() == before
    assert list(library.parent.iterdir()) == [library]


def test_without_binutils_libraries_stay_as_they_are_and_that_is_said(library, tmp_path, monkeypatch):
    before = library.read_bytes()
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "binutils is not installed" in strip(library)[0]
    assert library.read_bytes() == before
