import io
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from model_tools.errors import ModelTooLarge
from model_tools.serving.archive_reader import ArchiveDamaged, read_archive
from tests.support.serving.archives import IMAGE, TENSOR, Stored, members, tar_gz


def test_what_was_released_is_read_with_its_classes(tmp_path: Path) -> None:
    stored = Stored(tar_gz(members(IMAGE)))

    files = read_archive(stored.reference, stored.open, tmp_path)

    assert files.manifest.name == "brightness"
    assert files.classes == ("dark", "bright")
    assert files.model.is_file()


def test_other_bytes_than_the_released_ones_are_refused(tmp_path: Path) -> None:
    released, other = Stored(tar_gz(members(IMAGE))), Stored(tar_gz(members(TENSOR)))
    other.reference = released.reference

    with pytest.raises(ArchiveDamaged, match="its SHA-256 differs"):
        read_archive(released.reference, other.open, tmp_path)


def test_bytes_appended_after_the_archive_are_noticed(tmp_path: Path) -> None:
    stored = Stored(tar_gz(members(IMAGE)))
    stored.data += b"\0" * 3_000_000

    with pytest.raises(ArchiveDamaged):
        read_archive(stored.reference, stored.open, tmp_path)


@pytest.mark.parametrize("length", [0, 10, 500])
def test_an_archive_that_was_cut_off_is_refused(tmp_path: Path, length: int) -> None:
    stored = Stored(tar_gz(members(IMAGE))[:length])

    with pytest.raises(ArchiveDamaged):
        read_archive(stored.reference, stored.open, tmp_path)


@pytest.mark.parametrize("name", ["../escape", "/etc/cron.d/x", "model.pt/x", "extra.py"])
def test_a_member_that_no_release_has_is_refused_and_not_written(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    stored = Stored(tar_gz({name: b"x"}))

    with pytest.raises(ArchiveDamaged, match="which no release has there"):
        read_archive(stored.reference, stored.open, folder)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_link_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        link = tarfile.TarInfo("model.pt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    stored = Stored(buffer.getvalue())

    with pytest.raises(ArchiveDamaged, match="which no release has there"):
        read_archive(stored.reference, stored.open, tmp_path)


def test_a_member_that_comes_twice_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for _ in range(2):
            archive.addfile(tarfile.TarInfo("model.pt"))
    stored = Stored(buffer.getvalue())

    with pytest.raises(ArchiveDamaged, match="which no release has there"):
        read_archive(stored.reference, stored.open, tmp_path)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9])
def test_damage_anywhere_is_told_as_what_it_is(tmp_path: Path, share: float) -> None:
    stored = Stored(tar_gz(members(IMAGE)))
    middle = int(len(stored.data) * share)
    stored.data = stored.data[:middle] + b"\xff" * 8 + stored.data[middle + 8 :]

    with pytest.raises(ArchiveDamaged):
        read_archive(stored.reference, stored.open, tmp_path)


def test_no_more_is_read_than_the_released_archive_has(tmp_path: Path) -> None:
    stored = Stored(tar_gz(members(IMAGE)))
    endless = Endless(stored.data)

    with pytest.raises(ArchiveDamaged, match="longer than the one that was released"):
        read_archive(stored.reference, lambda uri: closing(endless), tmp_path)


class Endless(io.RawIOBase):
    def __init__(self, beginning: bytes) -> None:
        self._beginning = io.BytesIO(beginning)

    def read(self, size: int = -1) -> bytes:
        return self._beginning.read(size) or bytes(size)


def test_a_model_that_fills_the_disk_is_told_to_be_too_large(tmp_path: Path) -> None:
    stored = Stored(tar_gz(members(IMAGE)))
    full = tmp_path / "full"
    full.mkdir()
    (full / "model.pt").symlink_to("/dev/full")

    with pytest.raises(ModelTooLarge, match="publish a smaller model"):
        read_archive(stored.reference, stored.open, full)


def test_a_class_name_may_hold_what_unicode_calls_a_line_separator(tmp_path: Path) -> None:
    stored = Stored(tar_gz(members(IMAGE) | {"classes.txt": "dark\u2028er\nbright\x0b\n".encode()}))

    assert read_archive(stored.reference, stored.open, tmp_path).classes == ("dark\u2028er", "bright\x0b")


def test_an_archive_without_a_model_is_refused(tmp_path: Path) -> None:
    files = members(TENSOR)
    del files["model.pt"]
    stored = Stored(tar_gz(files))

    with pytest.raises(ArchiveDamaged, match=r"lacks model.pt"):
        read_archive(stored.reference, stored.open, tmp_path)


def test_a_manifest_of_another_time_is_refused(tmp_path: Path) -> None:
    stored = Stored(tar_gz(members(TENSOR) | {"manifest.json": b"{}"}))

    with pytest.raises(ArchiveDamaged, match="of another time"):
        read_archive(stored.reference, stored.open, tmp_path)


def test_a_custom_models_own_files_are_unpacked_and_those_that_leave_their_folder_refused(tmp_path: Path) -> None:
    stored = Stored(tar_gz({"code/data/names.csv": b"a,b", **members(TENSOR)}))

    files = read_archive(stored.reference, stored.open, tmp_path)

    assert files.code is not None
    assert (files.code / "data" / "names.csv").read_bytes() == b"a,b"
    for name in ("code/../x.py", "code//etc/x.py", "code/"):
        stored = Stored(tar_gz({name: b"x"}))
        with pytest.raises(ArchiveDamaged, match="which no release has there"):
            read_archive(stored.reference, stored.open, tmp_path / "other")
