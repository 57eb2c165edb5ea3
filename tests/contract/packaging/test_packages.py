"""What packaging makes of good models, with its real child processes."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from model_tools.formats.archive import MEMBERS
from model_tools.packaging.package import Package
from tests.support.packaging.model_folders import (
    CLASSIFIER,
    LINEAR,
    LINEAR_FIELDS,
    build,
    sample,
    write_classifier,
    write_folder,
    write_model,
)
from tests.support.packaging.packing import package_model

TWO_INPUTS = """
    import torch
    from torch import nn

    @torch.jit.script
    def sign(x):
        if bool(x.sum() > 0):
            return x
        return -x

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = nn.Embedding(50, 6)
            self.mix = nn.GRU(6, 5, batch_first=True)
            self.gain = nn.Parameter(torch.tensor(0.5))

        def forward(self, words, weight):
            if self.gain > 0:
                words = words.clamp(max=49)
            if words.shape[1] == 1000:
                words = words[:, :999]
            states, last = self.mix(self.words(words))
            return {"pooled": sign(states.mean(1)) * weight, "last": last[0]}
"""


@pytest.fixture(scope="module")
def classifier(tmp_path_factory) -> tuple[Path, Package]:
    home = tmp_path_factory.mktemp("classifier")
    folder = write_classifier(home / "model")
    return folder, package_model(folder, home / "package")


def unpacked(package: Package, into: Path) -> Path:
    into.mkdir(exist_ok=True)
    subprocess.run(["tar", "xzf", package.archive, "-C", into], check=True)
    return into


def parity(package: Package) -> dict:
    with tarfile.open(package.archive) as tar:
        return json.loads(tar.extractfile("parity.json").read())


def test_tar_opens_the_archive_and_its_model_answers_as_the_trained_one(classifier, tmp_path):
    _, package = classifier
    folder = unpacked(package, tmp_path / "out")
    images = torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        assert torch.allclose(torch.jit.load(folder / "model.pt")(images), build(CLASSIFIER)(images), atol=1e-5)
    assert (folder / "classes.txt").read_text() == "disc\nring\ncross\n"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["output_dtype"] == "float32"
    assert manifest["channels_last"] is True
    assert manifest["checkpoint_sha256"] == package.manifest.checkpoint_sha256


def test_members_stand_in_the_formats_order_without_owner_or_time(classifier):
    _, package = classifier
    with tarfile.open(package.archive) as tar:
        members = tar.getmembers()
    names = [member.name for member in members]
    assert names == ["manifest.json", "classes.txt", "parity.json", "model.pt"]
    assert names == [name for name in MEMBERS if name in names]
    assert {(member.mtime, member.uid, member.gid, member.mode) for member in members} == {(0, 0, 0, 0o644)}


def test_the_same_model_in_another_folder_is_the_same_archive(classifier, tmp_path):
    _, package = classifier
    again = package_model(write_classifier(tmp_path / "elsewhere" / "renamed"), tmp_path / "other")
    assert again.sha256 == package.sha256
    assert again.archive.read_bytes() == package.archive.read_bytes()


def test_the_workspace_holds_the_package_and_nothing_else(classifier):
    folder, package = classifier
    left = sorted(path.name for path in package.archive.parent.iterdir())
    assert left == ["evidence.json", "model.tar.gz", "samples.jsonl"]
    assert not (folder / "__pycache__").exists()


def test_parity_states_its_cases_tolerance_and_versions(classifier):
    _, package = classifier
    evidence = parity(package)
    assert {case["spread"] for case in evidence["cases"]} == {"usual", "narrow", "wide"}
    assert {case["shapes"][0][0] for case in evidence["cases"]} == {1, 2, 3, 4}
    assert all(case["excess"] <= 1 for case in evidence["cases"])
    assert evidence["outputs"][0]["tolerance"] == {"of_scale": 2e-5, "of_value": 1e-4, "roundings": 2}
    assert evidence["torch_version"] == torch.__version__
    assert evidence["traced_with"]["seed"] not in {case["seed"] for case in evidence["cases"]}
    assert json.loads(package.evidence.read_text())["run"]["latency_ms"] > 0


def test_the_evidence_tells_the_seconds_of_each_proof(classifier):
    _, package = classifier
    seconds = json.loads(package.evidence.read_text())["run"]["seconds"]
    assert list(seconds) == ["check", "first_child", "other_children", "trace", "parity", "rebuild", "pack"]
    assert list(seconds["trace"]) == ["load", "answer", "watch", "trace"]
    assert list(seconds["parity"]) == ["load", "compare", "unquantized", "measure", "rows", "decode"]
    assert sum(seconds["trace"].values()) <= seconds["first_child"]
    assert seconds["rebuild"] <= seconds["other_children"]


def test_a_classifier_without_samples_gets_an_image_that_can_be_decoded(classifier):
    import base64
    import io

    from PIL import Image

    _, package = classifier
    made_up = json.loads(package.samples.read_text().splitlines()[0])
    assert made_up["name"] == "generated"
    assert Image.open(io.BytesIO(base64.b64decode(made_up["event"]["image"]))).mode == "L"


def test_the_packaging_process_imports_no_library_that_runs_models():
    libraries = "{'torch', 'xgboost', 'numpy', 'PIL', 'safetensors'}"
    code = f"import sys, model_tools.packaging.package; sys.exit(bool({libraries} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_with_two_inputs_two_axes_a_dict_and_scripted_control_flow(tmp_path):
    folder = write_model(
        tmp_path / "model", TWO_INPUTS,
        inputs=[{"shape": ["batch", "words"], "dtype": "int64", "range": [0, 49]}, {"shape": []}],
        axes={"words": {"min": 2, "max": 9}},
    )  # fmt: skip
    package = package_model(folder, tmp_path / "package")
    evidence = parity(package)
    assert [output["name"] for output in evidence["outputs"]] == ["pooled", "last"]
    assert {tuple(case["shapes"][0]) for case in evidence["cases"] if "sample" not in case} == {
        (batch, words) for batch in range(1, 5) for words in range(2, 10)
    }
    notes = [place for place in evidence["sizes_read"] if "words.shape[1] == 1000" in place]
    assert len(notes) == 1
    assert "net.py, line 20" in notes[0]
    batch, row = (json.loads(line)["event"]["inputs"] for line in package.samples.read_text().splitlines()[:2])
    assert [len(batch[0]), len(batch[0][0])] == [2, 2]
    assert len(row[0]) == 2


def test_samples_prove_parity_too_and_expect_what_the_trained_model_answers(tmp_path):
    rows = [[1.0, 2.0, 3.0, 4.0]]
    files = {
        "samples/a.json": sample({"input": rows}),
        "samples/b.json": sample({"input": rows * 2}, output=[[0.0, 0.0]] * 2, tolerance=100.0),
    }
    folder = write_model(tmp_path / "model", files=files, samples="samples/*.json")
    package = package_model(folder, tmp_path / "package")
    first, second = (json.loads(line) for line in package.samples.read_text().splitlines())
    with torch.no_grad():
        answer = build(LINEAR)(torch.tensor(rows))
    assert torch.allclose(torch.tensor(first["expect"]["output"]), answer, atol=1e-6)
    assert second["expect"] == {"output": [[0.0, 0.0]] * 2, "tolerance": 100.0}
    assert [case["sample"] for case in parity(package)["cases"] if "sample" in case] == [
        "samples/a.json",
        "samples/b.json",
    ]


def test_safetensors_from_a_wrapped_model_with_view_after_a_convolution(tmp_path):
    # x.view() of a channels-last result fails: packaging must see it and trace without.
    code = CLASSIFIER.replace("x.flatten(1)", "x.view(x.shape[0], -1)")
    folder = write_model(
        tmp_path / "model", code, checkpoint="weights.safetensors", inputs=[{"shape": ["batch", 1, 8, 8]}]
    )
    save_file(
        {f"module.{key}": value for key, value in build(code).state_dict().items()}, folder / "weights.safetensors"
    )
    package = package_model(folder, tmp_path / "package")
    assert package.manifest.channels_last is False
    assert any("channels_last was tried" in note for note in parity(package)["tracer_notes"])


def test_torchscript_keeps_its_control_flow_and_brings_its_own_code(tmp_path):
    class Net(torch.nn.Module):
        def forward(self, x):
            if bool(x.sum() > 0):
                return x * 2
            return x - 1

    folder = write_folder(tmp_path / "model", {**LINEAR_FIELDS, "checkpoint": "scripted.pt"})
    torch.jit.save(torch.jit.script(Net()), folder / "scripted.pt")
    package = package_model(folder, tmp_path / "package")
    model = torch.jit.load(unpacked(package, tmp_path / "out") / "model.pt")
    assert model(torch.ones(1, 4)).tolist() == [[2.0] * 4]
    assert model(-torch.ones(1, 4)).tolist() == [[-2.0] * 4]


def test_an_exported_program_with_a_dynamic_axis(tmp_path):
    code = LINEAR.replace(
        "self.layer(x)", "self.layer(x.view(x.shape[0], 2, 2).flatten(1)) + torch.arange(x.shape[0])[:, None]"
    )
    folder = write_folder(tmp_path / "model", {**LINEAR_FIELDS, "checkpoint": "program.pt2"})
    batch = torch.export.Dim("batch", min=1, max=64)
    torch.export.save(
        torch.export.export(build(code), (torch.randn(2, 4),), dynamic_shapes=({0: batch},)), folder / "program.pt2"
    )
    package = package_model(folder, tmp_path / "package")
    rows = torch.randn(5, 4)
    model = torch.jit.load(unpacked(package, tmp_path / "out") / "model.pt")
    assert torch.allclose(model(rows), build(code)(rows), atol=1e-6)


def test_the_evidence_says_what_was_done_to_the_weights(tmp_path):
    folder = write_model(
        tmp_path / "model",
        checkpoint="last.ckpt",
        weights={"state_dict": {f"net._orig_mod.{key}": value for key, value in build(LINEAR).state_dict().items()}},
    )
    (folder / "weights.pt").rename(folder / "last.ckpt")
    package = package_model(folder, tmp_path / "package")
    wanted = [
        "The weights were found under ['state_dict'].",
        "`_orig_mod.` and `net.` was removed from 2 of 2 names of weights.",
    ]
    assert parity(package)["notes"] == wanted
    assert json.loads(package.evidence.read_text())["notes"] == wanted
