"""The tensors of a zip and the bytes that are stored for them."""

import zipfile

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.checkpoint_file import examine_checkpoint
from model_tools.packaging.checkpoint.compiled_file import check_program, check_script, check_weights
from model_tools.packaging.checkpoint.storages import reach
from model_tools.packaging.limits import Limits
from tests.support.packaging.compiled_models import rewrite, statically_quantised

DTYPES = (
    torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int8, torch.int64, torch.bool, torch.complex64,
    torch.uint16, torch.float8_e4m3fn,
)  # fmt: skip


@st.composite
def tensors(draw) -> torch.Tensor:
    """Draw a view of a storage, of any dtype, sizes, strides and offset that fit."""
    sizes = draw(st.lists(st.integers(0, 4), max_size=3))
    strides = [draw(st.integers(0, 6)) for _ in sizes]
    offset = draw(st.integers(0, 5))
    room = draw(st.integers(0, 3)) + max(reach(offset, sizes, strides), offset)
    return torch.zeros(room, dtype=draw(st.sampled_from(DTYPES))).as_strided(sizes, strides, offset)


@given(st.lists(tensors(), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_torch_saves_passes(tmp_path, saved):
    path = tmp_path / "weights.pt"
    path.unlink(missing_ok=True)
    torch.save({str(index): tensor for index, tensor in enumerate([*saved, saved[0]])}, path)
    assert examine_checkpoint(path, limits=Limits()).kind == "state_dict"


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param(nn.Parameter(torch.ones(3)), id="parameter"),
        pytest.param(torch.ones(2, 2).to_sparse(), id="sparse"),
        pytest.param(torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8), id="quantised"),
        pytest.param(
            torch.quantize_per_channel(torch.ones(2, 2), torch.ones(2), torch.zeros(2), 0, torch.qint8), id="channels"
        ),
        pytest.param(torch.ones(3).conj(), id="conjugate"),
        pytest.param(torch.ones(3, device="meta"), id="meta"),
        pytest.param([torch.Size([2, 3]), torch.float32, torch.device("cpu"), {1, 2}], id="other values"),
    ],
)  # fmt: skip
def test_other_values_pass(weights, tmp_path):
    torch.save({"layer": weights, "step": 3}, tmp_path / "weights.pt")
    check_weights(tmp_path / "weights.pt", name="weights.pt")


def cut(name: str, contents: bytes) -> bytes:
    """Leave out the last four bytes of the first storage."""
    return contents[:-4] if name in ("data/0", "data/weights/weight_0") else contents


WEIGHTS = {"layer.weight": torch.arange(12.0).reshape(3, 4), "layer.bias": torch.ones(3)}


def test_weights_that_were_cut_and_packed_again_are_refused(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(WEIGHTS, path)
    with pytest.raises(CheckpointRejected, match=r"weights\.pt is damaged \(data/0 has 44 bytes of the 48 that"):
        examine_checkpoint(rewrite(path, cut), limits=Limits())


def test_a_storage_that_is_missing_is_named(tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(WEIGHTS, path)
    rewrite(path, lambda name, contents: None if name == "data/1" else contents)
    with pytest.raises(CheckpointRejected, match=r"the file has no values for the storage 'data/1'"):
        examine_checkpoint(path, limits=Limits())


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: torch.jit.script(nn.Linear(4, 3)), id="plain"),
        pytest.param(lambda: torch.jit.script(statically_quantised()), id="quantised"),
    ],
)
def test_a_compiled_model_that_was_cut_and_packed_again_is_refused(build, tmp_path):
    path = tmp_path / "m.pt"
    torch.jit.save(build(), path)
    check_script(path, name="m.pt")
    with pytest.raises(CheckpointRejected, match=r"m\.pt is damaged \(data/0 has"):
        check_script(rewrite(path, cut), name="m.pt")


def test_a_program_that_was_cut_and_packed_again_is_refused(tmp_path):
    path = tmp_path / "m.pt2"
    torch.export.save(torch.export.export(nn.Linear(4, 3), (torch.ones(1, 4),)), path)
    check_program(path, name="m.pt2")
    with pytest.raises(CheckpointRejected, match=r"m\.pt2 is damaged \(weight needs 48 bytes of data/weights/weight_0"):
        check_program(rewrite(path, cut), name="m.pt2")


SIZES = {
    "longer than its storage": (b"K\x03K\x04\x86", b"K\x03K\x05\x86"),
    "strides beyond its storage": (b"K\x04K\x01\x86", b"K\x09K\x01\x86"),
    "negative sizes": (b"K\x03K\x04\x86", b"J\xff\xff\xff\xffK\x04\x86"),
    "fewer strides than sizes": (b"K\x04K\x01\x86", b"K\x01\x85"),
}


@pytest.mark.parametrize(("old", "new"), SIZES.values(), ids=SIZES)
def test_a_tensor_that_does_not_fit_its_storage_is_refused(old, new, tmp_path):
    path = tmp_path / "weights.pt"
    torch.save(WEIGHTS, path)

    def change(name: str, contents: bytes) -> bytes:
        assert name != "data.pkl" or old in contents
        return contents.replace(old, new) if name == "data.pkl" else contents

    with pytest.raises(CheckpointRejected, match=r"reaches .* bytes far into data/0|impossible sizes or strides"):
        examine_checkpoint(rewrite(path, change), limits=Limits())


def test_reading_the_sizes_of_a_pickle_runs_nothing(tmp_path, capsys):
    class Hook:
        def __reduce__(self):
            return print, ("ran",)

    torch.save({"layer": Hook(), "weights": torch.ones(2)}, tmp_path / "weights.pt")
    check_weights(tmp_path / "weights.pt", name="weights.pt")
    assert capsys.readouterr().out == ""
    assert zipfile.is_zipfile(tmp_path / "weights.pt")
