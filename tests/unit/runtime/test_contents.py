import tarfile
import threading

import pytest

from model_tools.errors import RuntimeDamaged, RuntimeMismatch
from model_tools.runtime.contents import read_bundle, require_fitting
from tests.support.runtime.bundles import Bundle, member, pack, pack_files

FILES = {"a/__init__.py": b"one = 1\n", "a/empty": b"", "a/data.bin": bytes(range(256)) * 9000}


def contents(bundle: Bundle, part="whole"):
    files = read_bundle(bundle.reference, bundle.open, part)
    return {file.name: b"".join(map(bytes, file.chunks)) for file in files}


def test_what_went_into_a_bundle_comes_out():
    assert contents(pack_files(FILES, {"b.py": b"two"})) == FILES | {"b.py": b"two"}


def test_a_bundle_without_any_file_is_read_to_its_end():
    assert contents(pack([])) == {}


def test_the_serving_part_is_read_without_a_byte_of_the_rest():
    bundle = pack_files({"a.py": b"one"}, {"b.py": bytes(range(256)) * 5000})

    assert contents(bundle, "serving") == {"a.py": b"one"}
    assert bundle.read == bundle.reference.serving.size < bundle.reference.size


def test_a_caller_may_leave_a_files_contents_unread():
    names = [file.name for file in read_bundle(pack_files(FILES).reference, pack_files(FILES).open, "whole")]

    assert names == list(FILES)


@pytest.mark.parametrize("part", ["serving", "whole"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data[:-1], id="last byte missing"),
        pytest.param(lambda data: data[: len(data) // 2], id="half missing"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"no bundle at all", id="something else"),
        pytest.param(lambda data: data[:20] + bytes([data[20] ^ 1]) + data[21:], id="one bit changed"),
    ],
)
def test_bytes_that_are_not_the_bundles_are_refused(change, part):
    size = pack_files(FILES, {"b.py": b"two"}).reference.part(part).size
    bundle = pack_files(FILES, {"b.py": b"two"}).changed(lambda data: change(data[:size]))

    with pytest.raises(RuntimeDamaged, match=r"runtimes/bundle\.tar\.zst .*model-tools runtime build"):
        contents(bundle, part)


def test_a_sound_bundle_that_is_another_than_the_named_one_is_refused():
    other = pack_files({"a.py": b"other"})

    with pytest.raises(RuntimeDamaged, match="SHA-256 differs"):
        contents(other.renamed(sha256="0" * 64))


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(member("../outside.py", b"x"), id="above"),
        pytest.param(member("a/../../outside.py", b"x"), id="above by a detour"),
        pytest.param(member("/etc/passwd", b"x"), id="absolute"),
        pytest.param(member("a//b.py", b"x"), id="double slash"),
        pytest.param(member("./a.py", b"x"), id="leading dot"),
        pytest.param(member("a\\b.py", b"x"), id="backslash"),
        pytest.param(member("link", kind=tarfile.SYMTYPE, link="/etc/passwd"), id="symbolic link"),
        pytest.param(member("hard", kind=tarfile.LNKTYPE, link="a/__init__.py"), id="hard link"),
        pytest.param(member("device", kind=tarfile.CHRTYPE), id="device"),
        pytest.param(member("pipe", kind=tarfile.FIFOTYPE), id="pipe"),
        pytest.param(member("folder", kind=tarfile.DIRTYPE), id="folder"),
    ],
)
def test_a_member_that_is_no_plain_file_inside_the_bundle_is_refused(bad):
    with pytest.raises(RuntimeDamaged, match="no plain file inside it"):
        contents(pack([member("a/__init__.py"), bad]))


def test_a_name_that_comes_twice_is_refused():
    with pytest.raises(RuntimeDamaged, match="twice"):
        contents(pack([member("a.py", b"1"), member("a.py", b"2")]))


def test_more_bytes_than_the_reference_tells_are_refused_before_they_are_given_out():
    bundle = pack([member("a.py", bytes(5000))], unpacked_size=4000)
    files = read_bundle(bundle.reference, bundle.open, "whole")

    with pytest.raises(RuntimeDamaged, match="unpacks to more"):
        next(files)


def test_a_reader_that_gives_up_leaves_no_thread_and_no_open_stream_behind():
    bundle = pack_files({f"{number}.bin": bytes(3_000_000) for number in range(8)})
    files = read_bundle(bundle.reference, bundle.open, "whole")
    next(files)
    files.close()

    assert not [thread for thread in threading.enumerate() if thread.name == "decompression"]
    assert bundle.streams[0].closed


def test_what_the_stream_raises_comes_through():
    class Lost(Exception):
        pass

    def fail(_size):
        raise Lost

    bundle = pack_files(FILES)

    def open_lost(uri):
        stream = bundle.open(uri)
        stream.read = fail
        return stream

    with pytest.raises(Lost):
        list(read_bundle(bundle.reference, open_lost, "whole"))


@pytest.mark.parametrize(("field", "value"), [("python", "3.99"), ("platform", "riscv64")])
def test_a_bundle_for_something_else_is_refused_naming_both(field, value):
    reference = pack_files(FILES).reference

    with pytest.raises(RuntimeMismatch) as refused:
        require_fitting(reference.model_copy(update={field: value}))
    assert value in str(refused.value)
    assert getattr(reference, field) in str(refused.value)
