import errno
import os
import threading

import pytest

from model_tools.errors import ModelTooLarge, RuntimeDamaged, RuntimeMismatch
from model_tools.runtime.unpacking import unpack_runtime
from tests.support.runtime.bundles import member, pack, pack_files

FILES = {"pkg/__init__.py": b"one = 1\n", "pkg/data/x.bin": bytes(3_000_000), "top.py": b""}


def left(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock")


def test_a_bundle_is_unpacked_below_its_digest(tmp_path):
    bundle = pack_files(FILES)

    home = unpack_runtime(bundle.reference, bundle.open, tmp_path / "deep/er")

    assert home == tmp_path / "deep/er" / bundle.reference.sha256
    assert {path.relative_to(home).as_posix(): path.read_bytes() for path in home.rglob("*") if path.is_file()} == FILES


def test_parts_are_unpacked_side_by_side(tmp_path):
    bundle = pack_files({"a.py": b"1"}, {"b.py": b"2"})

    serving = unpack_runtime(bundle.reference, bundle.open, tmp_path, "serving")
    whole = unpack_runtime(bundle.reference, bundle.open, tmp_path)

    assert left(serving) == ["a.py"]
    assert left(whole) == ["a.py", "b.py"]


def test_programs_stay_programs_and_nothing_else_may_be_run(tmp_path):
    bundle = pack([member("bin/tool", b"x", mode=0o4777), member("a.py", b"x", mode=0o666)])
    home = unpack_runtime(bundle.reference, bundle.open, tmp_path)

    assert (home / "bin/tool").stat().st_mode & 0o7777 & ~0o755 == 0
    assert os.access(home / "bin/tool", os.X_OK)
    assert (home / "a.py").stat().st_mode & 0o133 == 0


def test_a_bundle_that_is_there_is_not_fetched_again(tmp_path):
    bundle = pack_files(FILES)
    unpack_runtime(bundle.reference, bundle.open, tmp_path)
    unpack_runtime(bundle.reference, bundle.open, tmp_path)

    assert bundle.opened == 1


def test_of_many_that_ask_at_once_one_fetches(tmp_path):
    bundle = pack_files(FILES)
    homes = []
    threads = [
        threading.Thread(target=lambda: homes.append(unpack_runtime(bundle.reference, bundle.open, tmp_path)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(homes), len(set(homes)), bundle.opened) == (6, 1, 1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: data[:-9], id="cut off"),
        pytest.param(lambda data: data[:40] + bytes(8) + data[48:], id="zeros in the middle"),
        pytest.param(lambda data: b"", id="empty"),
    ],
)
def test_nothing_is_left_of_a_damaged_bundle(change, tmp_path):
    bundle = pack_files(FILES).changed(change)

    with pytest.raises(RuntimeDamaged):
        unpack_runtime(bundle.reference, bundle.open, tmp_path)
    assert left(tmp_path) == []


def test_what_a_killed_process_left_makes_way(tmp_path):
    bundle = pack_files(FILES)
    unfinished = tmp_path / f"{bundle.reference.sha256}.unfinished/pkg"
    unfinished.mkdir(parents=True)
    (unfinished / "old.py").write_text("old")

    home = unpack_runtime(bundle.reference, bundle.open, tmp_path)

    assert not (home / "pkg/old.py").exists()
    assert left(tmp_path) == [home.name]


def test_a_full_disk_is_told_with_the_size_and_leaves_nothing(tmp_path):
    bundle = pack_files(FILES)

    def no_room(_uri):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ModelTooLarge, match=f"{bundle.reference.unpacked_size:,} bytes"):
        unpack_runtime(bundle.reference, no_room, tmp_path)
    assert left(tmp_path) == []


def test_a_bundle_for_another_python_is_refused_before_it_is_fetched(tmp_path):
    bundle = pack_files(FILES).renamed(python="3.99")

    with pytest.raises(RuntimeMismatch):
        unpack_runtime(bundle.reference, bundle.open, tmp_path)
    assert bundle.opened == 0
