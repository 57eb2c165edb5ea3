import io
import tarfile
from pathlib import Path

import pytest

from model_tools.serving.archive import ArchiveDamaged, read_archive
from tests.unit.serving.archives import IMAGE, TENSOR, Stored, members, tar_gz


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


def test_an_archive_without_a_model_is_refused(tmp_path: Path) -> None:
    stored = Stored(tar_gz({"manifest.json": b"{}"}))

    with pytest.raises(ArchiveDamaged, match=r"lacks model.pt"):
        read_archive(stored.reference, stored.open, tmp_path)
