"""Quantised models: what they become, how far they may be off, and who is blamed."""

import json
import tarfile
from pathlib import Path

import pytest
import torch

from model_tools.errors import ManifestInvalid, ParityFailed, PublishError
from model_tools.packaging.package import Package
from tests.support.packaging.model_folders import CLASSIFIER, LINEAR, build, write_classifier, write_model
from tests.support.packaging.packing import package_model

LAYERS = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.states = nn.LSTM(16, 32, batch_first=True)
            self.mix = nn.GRU(32, 24, batch_first=True)
            self.block = nn.TransformerEncoderLayer(24, 2, 48, batch_first=True)
            self.layer = nn.Linear(24, 3)

        def forward(self, x):
            return {"scores": self.layer(self.block(self.mix(self.states(x)[0])[0]))}
"""
STEEP = LINEAR.replace("return self.layer(x)", "return (self.layer(x) * 40).sin()")


def packed(folder: Path, tmp_path: Path) -> Package:
    return package_model(folder, tmp_path / "package")


def quantized(package: Package) -> dict:
    return json.loads(package.evidence.read_text())["quantize"]


def served(package: Package, folder: Path) -> torch.jit.ScriptModule:
    with tarfile.open(package.archive) as tar:
        (folder / "model.pt").write_bytes(tar.extractfile("model.pt").read())
    return torch.jit.load(folder / "model.pt")


def refused(kind: type[PublishError], folder: Path, tmp_path: Path) -> str:
    with pytest.raises(PublishError) as caught:
        package_model(folder, tmp_path / "package")
    assert type(caught.value) is kind
    return str(caught.value)


@pytest.mark.parametrize(("kind", "smaller"), [("dynamic-int8", 0.6), ("bfloat16", 0.8)])
def test_a_quantised_model_is_smaller_and_survives_being_frozen_saved_and_loaded(tmp_path, kind, smaller):
    folder = write_model(
        tmp_path / "model", LAYERS, inputs=[{"shape": ["batch", "steps", 16]}], optimize={"quantize": kind}
    )
    package = packed(folder, tmp_path)
    evidence = quantized(package)
    assert evidence["kind"] == kind
    assert 0 < evidence["largest_difference"] <= evidence["tolerance"]
    assert evidence["size_after"] < smaller * evidence["size_before"]
    assert evidence["latency_ms_before"] > 0
    assert evidence["latency_ms_after"] > 0
    rows = torch.randn(2, 5, 16)
    answer = served(package, tmp_path)(rows)["scores"]
    assert answer.dtype == torch.float32
    with torch.no_grad():
        trained = build(LAYERS)(rows)["scores"]
    assert not torch.equal(answer, trained)
    assert (answer - trained).abs().max() < evidence["tolerance"] * 2 * trained.abs().max()


def test_a_quantised_classifier_tells_how_often_it_names_the_same_class(tmp_path):
    package = packed(write_classifier(tmp_path / "model", optimize={"quantize": "dynamic-int8"}), tmp_path)
    assert 0.5 < quantized(package)["top1_agreement"] <= 1


def test_a_model_that_bears_no_quantisation_is_refused_and_the_blame_is_its(tmp_path):
    message = refused(ParityFailed, write_model(tmp_path / "model", STEEP, optimize={"quantize": "bfloat16"}), tmp_path)
    assert message.startswith("optimize: {quantize: bfloat16} is to blame: without it the traced model answers as")
    assert "0.03 is tolerated" in message


def test_the_tolerance_may_be_set(tmp_path):
    folder = write_model(
        tmp_path / "model", STEEP, optimize={"quantize": "bfloat16", "tolerance": 1.0}, inputs=[{"shape": [1, 4]}]
    )
    assert quantized(packed(folder, tmp_path))["tolerance"] == 1.0


def test_what_has_no_layer_to_quantise_is_refused(tmp_path):
    code = CLASSIFIER.replace("nn.Linear(channels * 64, 3)", "nn.Conv2d(channels, 3, 8)")
    code = code.replace("return self.head(x.flatten(1))", "return self.head(x).flatten(1)")
    folder = write_model(
        tmp_path / "model", code, inputs=[{"shape": ["batch", 1, 8, 8]}], optimize={"quantize": "dynamic-int8"}
    )
    assert "dynamic-int8 is for Linear, LSTM, GRU layers, and the model has none" in refused(
        ManifestInvalid, folder, tmp_path
    )


def test_a_compiled_graph_cannot_be_quantised(tmp_path):
    folder = write_model(tmp_path / "model", optimize={"quantize": "bfloat16"}, architecture=None)
    torch.jit.save(torch.jit.trace(build(LINEAR), torch.ones(1, 4)), folder / "weights.pt")
    assert "weights.pt is TorchScript, whose layers are compiled into a graph" in refused(
        ManifestInvalid, folder, tmp_path
    )
