import pytest

from model_tools.bundling.libraries import add_needed, linkage_of
from tests.support.runtime.bundles import elf


@pytest.fixture
def available(tmp_path):
    files = {
        "pkg/ext.so": elf(needed=["libone.so.1", "libc.so.6"]),
        "pkg.libs/libone.so.1": elf(soname="libone.so.1", needed=["libtwo.so"]),
        "pkg.libs/libtwo.so": elf(soname="libtwo.so", needed=["libone.so.1"]),
        "pkg.libs/libunused.so": elf(soname="libunused.so"),
        "pkg/__init__.py": b"",
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    return {name: tmp_path / name for name in files}


def test_libraries_that_others_are_linked_against_come_along_however_far_away(available):
    assert add_needed(["pkg/__init__.py", "pkg/ext.so"], available) == set(available) - {"pkg.libs/libunused.so"}


def test_packages_that_bring_the_same_library_keep_a_copy_each(available, tmp_path):
    copy = tmp_path / "other.libs/libtwo.so"
    copy.parent.mkdir()
    copy.write_bytes(available["pkg.libs/libtwo.so"].read_bytes())

    assert "other.libs/libtwo.so" in add_needed(["pkg/ext.so"], {**available, "other.libs/libtwo.so": copy})


def test_without_libraries_nothing_is_added(available):
    assert add_needed(["pkg/__init__.py"], available) == {"pkg/__init__.py"}


def test_what_is_no_library_is_told_from_one(available):
    assert linkage_of(available["pkg/__init__.py"]) is None
    assert linkage_of(available["pkg/ext.so"]).needed == ("libone.so.1", "libc.so.6")
