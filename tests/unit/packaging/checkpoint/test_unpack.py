"""A checkpoint's tar.gz that nobody has vouched for."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_tools.errors import CheckpointRejected, ModelNotFound
from model_tools.packaging.checkpoint.unpack import unpack_checkpoint
from model_tools.packaging.limits import Limits

MANIFEST = ("publish.yaml", b"name: digits\n")


def archive(*members: tuple[str, bytes] | tarfile.TarInfo, format: int = tarfile.PAX_FORMAT) -> io.BytesIO:  # noqa: A002
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", format=format) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                entry = tarfile.TarInfo(member[0])
                entry.size = len(member[1])
                tar.addfile(entry, io.BytesIO(member[1]))
    raw.seek(0)
    return raw


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def refusal(stream: io.BytesIO, into: Path, **limits: float) -> str:
    with pytest.raises(CheckpointRejected) as caught:
        unpack_checkpoint(stream, into / "into", limits=Limits(**limits))
    return str(caught.value)


def test_files_and_folders_come_out_as_they_were(tmp_path):
    weights = bytes(range(256)) * 9000
    long = f"{'deep/' * 30}{'x' * 90}.txt"
    folder = unpack_checkpoint(archive(MANIFEST, ("data/weights.pt", weights), (long, b"long")), tmp_path / "into")
    assert folder == tmp_path / "into"
    assert (folder / "data/weights.pt").read_bytes() == weights
    assert (folder / long).read_bytes() == b"long"
    assert (folder / "data/weights.pt").stat().st_mode & 0o777 == 0o644


def test_an_archive_may_be_a_path_and_hold_its_model_in_a_folder(tmp_path):
    path = tmp_path / "model.tar.gz"
    path.write_bytes(archive(("run-42/publish.yaml", b"name: x\n"), ("log.txt", b"")).getvalue())
    assert unpack_checkpoint(path, tmp_path / "into") == tmp_path / "into" / "run-42"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../evil", id="above"),
        pytest.param("/etc/evil", id="absolute"),
        pytest.param("a/../../evil", id="above by a detour"),
        pytest.param("a\\..\\evil", id="backslashes"),
        pytest.param("new\nline", id="line break"),
    ],
)
def test_a_name_outside_the_folder_is_refused(tmp_path, name):
    assert "pack the model from inside its folder" in refusal(archive(MANIFEST, (name, b"x")), tmp_path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(tarfile.SYMTYPE, id="symbolic link"),
        pytest.param(tarfile.LNKTYPE, id="hard link"),
        pytest.param(tarfile.CHRTYPE, id="character device"),
        pytest.param(tarfile.BLKTYPE, id="block device"),
        pytest.param(tarfile.FIFOTYPE, id="pipe"),
    ],
)
def test_links_and_devices_are_refused(tmp_path, kind):
    assert "only plain files and folders" in refusal(archive(special("data", kind, "/etc")), tmp_path)


def test_a_link_cannot_lead_a_later_member_out(tmp_path):
    refusal(archive(special("out", tarfile.SYMTYPE, str(tmp_path)), ("out/evil", b"x")), tmp_path)
    assert not (tmp_path / "evil").exists()


def test_the_same_name_twice_is_refused(tmp_path):
    assert "two members named 'a'" in refusal(archive(("a", b"1"), ("a", b"2")), tmp_path)
    assert "two members named 'b'" in refusal(archive(("b/c", b"1"), ("b", b"2")), tmp_path)


def test_what_unpacks_beyond_the_limit_is_refused_on_the_way(tmp_path):
    stream = archive(("zeros", bytes(64 << 20)))
    assert "more than 200 times its size" in refusal(stream, tmp_path)
    assert (tmp_path / "into" / "zeros").stat().st_size < 20 << 20
    assert "more than 1,000,000 bytes" in refusal(
        archive(("zeros", bytes(2 << 20))), tmp_path / "b", inflated_bytes=1_000_000
    )


def test_too_many_members_are_refused(tmp_path):
    stream = archive(*[(f"file{number}", b"") for number in range(11)])
    assert "more than 10 members" in refusal(stream, tmp_path, members=10)


@pytest.mark.parametrize(
    "kind", [pytest.param(tarfile.XHDTYPE, id="pax header"), pytest.param(tarfile.GNUTYPE_LONGNAME, id="GNU long name")]
)
def test_a_header_that_would_fill_the_memory_is_refused(tmp_path, kind):
    entry = special("bomb", kind)
    entry.size = 1 << 30
    stream = io.BytesIO(gzip.compress(entry.tobuf() + bytes(1 << 20)))
    assert "which no file name needs" in refusal(stream, tmp_path)


@pytest.mark.parametrize("cut", [5, 100, -9, -1])
def test_a_truncated_archive_is_refused(tmp_path, cut):
    data = archive(MANIFEST, ("weights", bytes(range(256)) * 100)).getvalue()
    assert "damaged or no .tar.gz" in refusal(io.BytesIO(data[:cut]), tmp_path)


def test_a_changed_byte_is_noticed(tmp_path):
    data = bytearray(archive(MANIFEST).getvalue())
    data[-6] ^= 1  # in the checksum
    assert "damaged" in refusal(io.BytesIO(bytes(data)), tmp_path)


def test_the_checksum_is_verified_even_when_the_tar_ends_long_before_it(tmp_path):
    data = bytearray(gzip.compress(gzip.decompress(archive(MANIFEST).getvalue()) + bytes(4 << 20)))
    data[-6] ^= 1
    assert "damaged" in refusal(io.BytesIO(bytes(data)), tmp_path)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(data):
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pytest.raises((CheckpointRejected, ModelNotFound)):
        unpack_checkpoint(io.BytesIO(data), Path(folder))


def test_a_missing_archive_or_manifest_is_not_found(tmp_path):
    with pytest.raises(ModelNotFound, match="cannot be opened"):
        unpack_checkpoint(tmp_path / "absent.tar.gz", tmp_path / "a")
    with pytest.raises(ModelNotFound, match=r"The archive has no publish.yaml in it, which says"):
        unpack_checkpoint(archive(("weights.pt", b"")), tmp_path / "b")
    with pytest.raises(ModelNotFound, match=r"several models \(one/publish.yaml, two/publish.yaml\)"):
        unpack_checkpoint(archive(("one/publish.yaml", b""), ("two/publish.yaml", b"")), tmp_path / "c")
