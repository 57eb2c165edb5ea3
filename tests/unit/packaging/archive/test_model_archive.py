"""The files that packaging writes: the archive, and the TorchScript file in it."""

import gzip
import hashlib
import tarfile
import zipfile

import pytest
import torch

from model_tools.errors import CheckpointRejected
from model_tools.packaging.archive import model_archive as archive
from model_tools.packaging.archive.model_archive import member_sha256, write_archive
from model_tools.packaging.archive.torchscript_file import ALIGNMENT, rewrite_reproducibly
from model_tools.packaging.limits import Limits


def test_an_archive_is_an_ordinary_tar_gz_known_by_its_digest(tmp_path):
    model = tmp_path / "weights"
    model.write_bytes(bytes(range(256)) * 20_000)
    written = write_archive(tmp_path / "a.tar.gz", {"model.pt": model, "manifest.json": b"{}\n"})
    data = (tmp_path / "a.tar.gz").read_bytes()
    assert (written.size, written.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    with gzip.open(tmp_path / "a.tar.gz") as stream, tarfile.open(fileobj=stream) as tar:
        assert tar.getnames() == ["manifest.json", "model.pt"]
        assert tar.extractfile("model.pt").read() == model.read_bytes()
    assert member_sha256(tmp_path / "a.tar.gz", "model.pt") == hashlib.sha256(model.read_bytes()).hexdigest()
    with pytest.raises(KeyError):
        member_sha256(tmp_path / "a.tar.gz", "classes.txt")


def test_its_bytes_depend_on_the_contents_alone(tmp_path, monkeypatch):
    model = tmp_path / "weights"
    model.write_bytes(torch.randn(1_000_000).numpy().tobytes())
    first = write_archive(tmp_path / "a.tar.gz", {"model.pt": model, "parity.json": b"{}"})
    monkeypatch.setattr(archive, "THREADS", 1)
    model.touch()
    second = write_archive(tmp_path / "b-with-a-longer-name.tar.gz", {"parity.json": b"{}", "model.pt": model})
    assert first == second
    assert (tmp_path / "a.tar.gz").read_bytes()[3:8] == bytes(5)  # no name, no time


def test_code_stands_before_the_model_in_the_order_of_its_names(tmp_path):
    members = {"model.pt": b"m", "code/b.py": b"b", "manifest.json": b"{}", "code/a/c.csv": b"c", "parity.json": b"{}"}
    first = write_archive(tmp_path / "a.tar.gz", members)
    again = write_archive(tmp_path / "b.tar.gz", dict(reversed(members.items())))
    assert first == again
    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        assert tar.getnames() == ["manifest.json", "parity.json", "code/a/c.csv", "code/b.py", "model.pt"]


@pytest.mark.parametrize("name", ["weights.bin", "code/../model.pt", "code/", "code//etc/passwd"])
def test_a_name_that_the_format_has_not_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="are no members of a model archive"):
        write_archive(tmp_path / "a.tar.gz", {name: b""})


@pytest.fixture
def script() -> torch.jit.ScriptModule:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.Flatten(), torch.nn.Linear(108, 5)).eval()
    return torch.jit.freeze(torch.jit.trace(model, torch.ones(1, 1, 8, 8)))


def test_a_rewritten_torchscript_file_is_the_same_wherever_it_was_saved(tmp_path, script):
    for name in ("one", "another"):
        torch.jit.save(script, tmp_path / f"{name}.pt")
        rewrite_reproducibly(tmp_path / f"{name}.pt", tmp_path / f"{name}.out", limits=Limits())
    assert (tmp_path / "one.pt").read_bytes() != (tmp_path / "another.pt").read_bytes()
    assert (tmp_path / "one.out").read_bytes() == (tmp_path / "another.out").read_bytes()


def test_a_rewritten_torchscript_file_answers_as_before_and_names_no_source(tmp_path, script):
    torch.jit.save(script, tmp_path / "saved.pt")
    rewrite_reproducibly(tmp_path / "saved.pt", tmp_path / "out.pt", limits=Limits())
    images = torch.randn(1, 1, 8, 8)
    assert torch.equal(torch.jit.load(tmp_path / "out.pt")(images), script(images))
    with zipfile.ZipFile(tmp_path / "saved.pt") as saved, zipfile.ZipFile(tmp_path / "out.pt") as out:
        assert any(name.endswith(".debug_pkl") for name in saved.namelist())
        assert not any(name.endswith(".debug_pkl") for name in out.namelist())


def test_a_file_whose_version_stands_elsewhere_is_loaded_again(tmp_path):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.LayerNorm(8), torch.nn.Linear(8, 8), torch.nn.GELU()).eval()
    torch.jit.save(torch.jit.freeze(torch.jit.trace(model, torch.ones(1, 8))), tmp_path / "saved.pt")
    with zipfile.ZipFile(tmp_path / "saved.pt") as saved:
        assert any(name.endswith("/.data/version") for name in saved.namelist())
    rewrite_reproducibly(tmp_path / "saved.pt", tmp_path / "out.pt", limits=Limits())
    rows = torch.randn(2, 8)
    assert torch.allclose(torch.jit.load(tmp_path / "out.pt")(rows), model(rows), atol=1e-6)


def test_tensors_are_aligned_as_torch_wants_them(tmp_path, script):
    torch.jit.save(script, tmp_path / "saved.pt")
    rewrite_reproducibly(tmp_path / "saved.pt", tmp_path / "out.pt", limits=Limits())
    data = (tmp_path / "out.pt").read_bytes()
    with zipfile.ZipFile(tmp_path / "out.pt") as members:
        assert members.testzip() is None
        for member in members.infolist():
            begins = member.header_offset + 30 + int.from_bytes(data[member.header_offset + 26 :][:2], "little")
            begins += int.from_bytes(data[member.header_offset + 28 :][:2], "little")
            assert begins % ALIGNMENT == 0
            assert member.compress_type == zipfile.ZIP_STORED


def test_what_a_child_left_instead_of_torchscript_is_refused(tmp_path):
    (tmp_path / "saved.pt").write_bytes(b"PK\x03\x04 no zip")
    with pytest.raises(CheckpointRejected, match="is damaged"):
        rewrite_reproducibly(tmp_path / "saved.pt", tmp_path / "out.pt", limits=Limits())
