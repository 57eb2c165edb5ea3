import pytest

from model_tools.runtime.elf import is_library, read_library
from tests.support.runtime.bundles import elf


def test_a_library_tells_its_name_and_what_it_needs():
    library = read_library(elf(soname="libone.so.1", needed=["libtwo.so", "libc.so.6"]))

    assert (library.soname, library.needed) == ("libone.so.1", ("libtwo.so", "libc.so.6"))
    assert (library.machine, library.is_aligned) == ("x86_64", True)


def test_a_library_without_a_name_has_none():
    assert read_library(elf(needed=["libc.so.6"])).soname is None


def test_a_library_for_another_processor_is_told_from_one_for_this():
    assert read_library(elf(machine=183)).machine == "aarch64"


def test_a_library_whose_parts_cannot_be_mapped_is_recognised():
    assert not read_library(elf(align=1 << 16, vaddr=0x100)).is_aligned


@pytest.mark.parametrize("end", range(6, 176, 10))
def test_a_library_that_is_cut_off_is_refused(end):
    with pytest.raises(ValueError, match=r"cut off|end|loaded"):
        read_library(elf(soname="libone.so", needed=["libtwo.so"])[:end])


def test_text_is_no_library():
    assert not is_library(b"#!/usr/bin/python3")
    with pytest.raises(ValueError, match="no 64-bit"):
        read_library(b"#!/usr/bin/python3")
