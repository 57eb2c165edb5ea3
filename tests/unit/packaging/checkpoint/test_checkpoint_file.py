"""A checkpoint file before anything is loaded from it."""

import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.checkpoint_file import examine_checkpoint, file_sha256
from model_tools.packaging.checkpoint.pickle_names import names_in_pickles
from model_tools.packaging.limits import Limits

WEIGHTS = {"layer.weight": torch.arange(2000.0), "layer.bias": torch.ones(3)}


def refusal(path: Path, **limits: float) -> str:
    with pytest.raises(CheckpointRejected) as caught:
        examine_checkpoint(path, limits=Limits(**limits))
    return str(caught.value)


def test_the_kind_is_told_by_the_contents(tmp_path):
    torch.save(WEIGHTS, tmp_path / "new.pt")
    torch.save(WEIGHTS, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    save_file(WEIGHTS, tmp_path / "weights.safetensors")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "scripted.pt")
    torch.export.save(torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),)), tmp_path / "program.pt2")
    kinds = {path.name: examine_checkpoint(path, limits=Limits()).kind for path in tmp_path.iterdir()}
    assert kinds == {
        "new.pt": "state_dict", "old.pth": "state_dict", "weights.safetensors": "safetensors",
        "scripted.pt": "torchscript", "program.pt2": "pt2",
    }  # fmt: skip


def test_it_is_known_by_size_and_digest(tmp_path):
    torch.save(WEIGHTS, tmp_path / "new.pt")
    checkpoint = examine_checkpoint(tmp_path / "new.pt", limits=Limits())
    assert checkpoint.size == (tmp_path / "new.pt").stat().st_size
    assert checkpoint.sha256 == file_sha256(tmp_path / "new.pt")


def test_a_changed_byte_in_a_tensor_is_noticed_by_its_checksum(tmp_path):
    path = tmp_path / "new.pt"
    torch.save(WEIGHTS, path)
    data = bytearray(path.read_bytes())
    data[data.index(struct.pack("<4f", 1000, 1001, 1002, 1003))] ^= 1
    path.write_bytes(data)
    assert "new.pt is damaged (Bad CRC-32" in refusal(path)


@pytest.mark.parametrize("keep", [30, 2000, -1])
def test_a_truncated_file_is_refused(tmp_path, keep):
    torch.save(WEIGHTS, tmp_path / "whole.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:keep])
    assert "copy or save it again" in refusal(tmp_path / "cut.pt")


def test_a_zip_bomb_is_refused_by_its_ratio_and_by_its_size(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", b"")
        archive.writestr("bomb/data/0", bytes(64 << 20))
    assert "as a zip bomb does" in refusal(path)
    assert "more than 1,000,000 bytes, which is the limit" in refusal(path, inflated_bytes=1_000_000)


def test_a_bomb_of_overlapping_members_is_refused(tmp_path):
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/data.pkl", b"x" * 1000)
        archive.writestr("a/data/0", b"x" * 1000)
        archive.infolist()[1].header_offset = 10
    assert "members that overlap, as a zip bomb has" in refusal(path)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("../data.pkl", id="above"),
        pytest.param("/data.pkl", id="absolute"),
        pytest.param("a\\data.pkl", id="backslash"),
    ],
)
def test_names_that_leave_the_zip_are_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.pt", "w") as archive:
        archive.writestr(name, b"")
    assert "twice or outside itself" in refusal(tmp_path / "bad.pt")


def test_members_beyond_the_limit_are_refused(tmp_path):
    torch.save(WEIGHTS, tmp_path / "new.pt")
    assert "1 to 3 are accepted" in refusal(tmp_path / "new.pt", members=3)


def test_native_code_and_pickled_objects_in_a_pt2_are_refused(tmp_path):
    config = '{"config": {"hook": {"use_pickle": true}}}'
    for name, extra, told in [
        ("native.pt2", {"p/data/aotinductor/model/x.so": "ELF"}, "compiled native code"),
        ("pickled.pt2", {"p/data/constants/model_constants_config.json": config}, "pickled objects (hook)"),
        ("broken.pt2", {"p/data/constants/model_constants_config.json": "[]"}, "is damaged"),
    ]:
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for member, contents in {"p/models/model.json": "{}", **extra}.items():
                archive.writestr(member, contents)
        assert told in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "contents", "told"),
    [
        pytest.param("a.pt", b"", "is empty", id="empty"),
        pytest.param("a.pt", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", id="Git LFS pointer"),
        pytest.param("a.pt", b"\x93NUMPY\x01", "is a NumPy array", id="NumPy file"),
        pytest.param(
            "a.safetensors", b"version https://git-lfs\n", "git lfs pull", id="Git LFS pointer to safetensors"
        ),
        pytest.param("a.safetensors", b"<!DOCTYPE html>", "is a web page", id="web page"),
        pytest.param("a.pth", b"\x89HDF\r\n\x1a\n", "is an HDF5 file, as Keras writes", id="Keras file"),
        pytest.param("a.safetensors", b"GGUF\3\0\0\0", "is a GGUF file", id="GGUF file"),
        pytest.param("a.safetensors", b"", "is empty", id="empty safetensors"),
        pytest.param("a.pt", b"no format that is known", "is no checkpoint that torch wrote", id="unknown file"),
        pytest.param("a.pt2", b"nothing", "write it with torch.export.save", id="no pt2"),
        pytest.param("a.safetensors", b"\x05", "its header is cut off", id="safetensors cut off"),
        pytest.param(
            "a.safetensors", b"\xff" * 8 + b"{}", "its header is cut off", id="safetensors of an impossible length"
        ),
        pytest.param(
            "a.safetensors",
            (2).to_bytes(8, "little") + b"[]",
            "its header is not the format's",
            id="safetensors without an object",
        ),
        pytest.param(
            "a.safetensors",
            (2).to_bytes(8, "little") + b"{}tail",
            "it is cut off, or longer than it says",
            id="safetensors with a tail",
        ),
    ],
)
def test_what_is_no_checkpoint_is_refused_with_the_remedy(tmp_path, name, contents, told):
    (tmp_path / name).write_bytes(contents)
    assert told in refusal(tmp_path / name)


@pytest.mark.parametrize("name", ["a.safetensors", "a.pt"])
def test_a_checkpoint_under_the_other_suffix_is_loaded_once_it_is_renamed_as_told(tmp_path, name):
    path = tmp_path / name
    if name == "a.pt":
        save_file(WEIGHTS, path)
    else:
        torch.save(WEIGHTS, path)
    message = refusal(path)
    right = "a.safetensors" if name == "a.pt" else "a.pt"
    assert f"rename it to {right}" in message
    assert "damaged" not in message
    examine_checkpoint(path.rename(tmp_path / right), limits=Limits())


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        archive.writestr("word/document.xml", b"")
    assert "not one that torch.save or torch.jit.save wrote" in refusal(tmp_path / "a.pt")


class Hook:
    def __reduce__(self):
        return print, ("ran",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickles_names_are_read_without_loading_it(tmp_path, protocol, capsys):
    path = tmp_path / "bare.pt"
    path.write_bytes(pickle.dumps([Hook(), Path("x"), Hook()], protocol=protocol))
    with path.open("rb") as file:
        assert set(names_in_pickles(file)) & {"builtins.print", "__builtin__.print"}
    if protocol >= 2:
        assert "a bare pickle that wants" in refusal(path)
    assert capsys.readouterr().out == ""
