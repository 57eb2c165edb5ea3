"""Telling a model that was traced in training mode from one that was not."""

import pytest
import torch
from torch import nn

from model_tools.errors import CheckpointRejected
from model_tools.packaging.checkpoint.compiled import load_trained_script
from model_tools.packaging.checkpoint.compiled_file import check_program
from tests.support.packaging.compiled_models import Functional, Recurrent

pytestmark = pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")

NETS = {
    "dropout": (nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 2)), (2, 4)),
    "channels dropout": (nn.Sequential(nn.Conv1d(2, 2, 1), nn.Dropout1d(0.5)), (2, 2, 4)),
    "alpha dropout": (nn.Sequential(nn.AlphaDropout(0.5), nn.Linear(4, 2)), (2, 4)),
    "batch norm": (nn.Sequential(nn.Conv1d(2, 2, 1), nn.BatchNorm1d(2)), (2, 2, 4)),
    "instance norm with statistics": (nn.InstanceNorm1d(2, track_running_stats=True), (2, 2, 4)),
    "recurrent layers": (Recurrent(), (2, 5, 4)),
    "attention": (nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True), (2, 5, 8)),
}
ALIKE = {
    "no dropout": (nn.Sequential(nn.Dropout(0.0), nn.Linear(4, 2)), (2, 4)),
    "a single recurrent layer": (Recurrent(1, 0.0), (2, 5, 4)),
    "instance norm": (nn.InstanceNorm1d(2), (2, 2, 4)),
    "batch norm without statistics": (nn.BatchNorm1d(2, track_running_stats=False), (2, 2, 4)),
    "functions": (Functional(), (2, 2, 4)),
}


def traced(module: nn.Module, shape: tuple[int, ...], path, *, training: bool):
    # A module in training mode answers differently each time, which is what torch's own check of the trace finds.
    torch.jit.save(torch.jit.trace(module.train(training), torch.randn(shape), check_trace=False), path)
    return path


@pytest.mark.parametrize(("module", "shape"), NETS.values(), ids=NETS)
def test_a_model_traced_in_training_mode_is_refused_and_one_in_eval_mode_is_not(module, shape, tmp_path):
    with pytest.raises(
        CheckpointRejected, match=r"m\.pt was traced in training mode: aten::\w+ computes .* model\.eval"
    ):
        load_trained_script(traced(module, shape, tmp_path / "m.pt", training=True))
    load_trained_script(traced(module, shape, tmp_path / "m.pt", training=False))


@pytest.mark.parametrize(("module", "shape"), ALIKE.values(), ids=ALIKE)
@pytest.mark.parametrize("training", [pytest.param(True, id="training"), pytest.param(False, id="eval")])
def test_models_that_compute_alike_in_both_modes_are_loaded(module, shape, training, tmp_path):
    load_trained_script(traced(module, shape, tmp_path / "m.pt", training=training))


@pytest.mark.parametrize("name", ["dropout", "batch norm", "recurrent layers", "attention"])
def test_a_scripted_model_in_training_mode_is_put_into_eval_mode(name, tmp_path):
    module, shape = NETS[name]
    torch.jit.save(torch.jit.script(module.train()), tmp_path / "m.pt")
    loaded = load_trained_script(tmp_path / "m.pt")
    x = torch.randn(shape)
    assert torch.allclose(loaded(x), module.eval()(x), atol=1e-5)


@pytest.mark.parametrize("name", ["dropout", "batch norm", "recurrent layers"])
def test_a_program_exported_in_training_mode_is_refused(name, tmp_path):
    module, shape = NETS[name]
    path = tmp_path / "m.pt2"
    torch.export.save(torch.export.export(module.train(), (torch.randn(shape),)), path)
    with pytest.raises(CheckpointRejected, match=r"exported in training mode: .* model\.eval\(\) before torch\.export"):
        check_program(path, name=path.name)
    torch.export.save(torch.export.export(module.eval(), (torch.randn(shape),)), path)
    check_program(path, name=path.name)
