"""The models of docs/explanation/field-reports.md: each is published and answers as trained, or is refused as told."""

import inspect
import itertools
import re
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from model_tools.errors import PublishError
from tests.support.packaging.model_folders import write_folder
from tests.support.packaging.packing import package_model
from tests.support.packaging.reported import sequences, windows

PAGE = Path(__file__).parents[3] / "docs/explanation/field-reports.md"
IMAGES = [{"shape": ["batch", 1, "height", "width"]}]
SERIES = [{"shape": ["batch", "time", 4]}]
STEPS = [{"shape": ["batch", 5, 4]}]
WORDS = [{"shape": ["batch", "time"], "dtype": "int64", "range": [0, 19]}]
LENGTHS = {"shape": ["batch"], "dtype": "int64", "range": [1, 5]}
SIZES = {"height": {"min": 8, "max": 11}, "width": {"min": 8, "max": 11}, "time": {"max": 300}}
"""Each image size is proved, and 32 of the lengths."""
UNPROVED = {"time": (77, 229), "height": (9, 11), "width": (8, 10), "batch": (1, 3)}
"""Sizes at which published models are asked; no case of the proof has these lengths."""


@dataclass(frozen=True)
class Report:
    """A model after a report, and what becomes of it."""

    net: type[torch.nn.Module]
    inputs: Sequence[dict[str, object]]
    refused_with: str = ""
    """A pattern of the refusal; empty for a model that is published."""
    made_right_by: type[torch.nn.Module] | None = None
    """The net as the refusal says to write it, which is published."""


REPORTS = {
    "huggingface/transformers/issues/18806": Report(
        windows.SwinBatch, [{"shape": ["batch", 8, 8, 3]}], r"line \d+: `batch = int\("
    ),
    "microsoft/Swin-Transformer/issues/301": Report(windows.SwinMask, [{"shape": ["batch", "height", "width", 3]}]),
    "rwightman/efficientdet-pytorch/issues/169": Report(windows.RecomputedScale, IMAGES),
    "pytorch/pytorch/issues/10654": Report(windows.HalfSize, IMAGES),
    "huggingface/transformers/pull/33226": Report(windows.PositionsBySize, IMAGES),
    "facebookresearch/dinov2/pull/247": Report(
        windows.PositionsByScale, IMAGES, r"sizes are tensors.*write bool\(…\), int\(…\) or float\(…\)"
    ),
    "rwightman/gen-efficientnet-pytorch/pull/47": Report(
        windows.SamePadding, IMAGES, r"read as a number \(.*math.ceil.*torch.jit.script", windows.ScriptedPadding
    ),
    "pytorch/pytorch/issues/21774": Report(windows.KeptGrid, IMAGES),
    "facebookresearch/detectron2/issues/4209": Report(windows.ScaledBoxes, IMAGES, r"read as a number \(.*as_tensor"),
    "pytorch/pytorch/issues/23498": Report(
        windows.AnchorGrid, IMAGES, r"read as a number \(.*len\(down\)", windows.AnchorGridByShape
    ),
    "rosinality/stylegan2-pytorch/issues/124": Report(
        windows.GroupedStatistics, [{"shape": ["batch", 1, 8, 8]}], "Asking the model seed .*5x1x8x8.*is invalid"
    ),
    "pytorch/pytorch/issues/18312": Report(windows.NormalisedImages, IMAGES),
    "pytorch/pytorch/issues/59530": Report(sequences.CellLoop, STEPS),
    "pytorch/pytorch/issues/15319": Report(sequences.PackedLstm, [*STEPS, LENGTHS]),
    "ray-project/ray/pull/30684": Report(
        sequences.LengthMask, [*STEPS, LENGTHS], r"decides by the values of its input.*int\(lengths.max\(\)\)"
    ),
    "pytorch/pytorch/issues/12579": Report(sequences.CountedSteps, SERIES),
    "meta-pytorch/torchrec/pull/1726": Report(
        sequences.MeanByCount, SERIES, r"line \d+: `.*torch.numel\(", sequences.MeanByMethod
    ),
    "pytorch/pytorch/issues/43548": Report(
        sequences.SetInASlice, SERIES, r"v\.expand_as\(y\[:, 2\]\)", sequences.SetInASliceWithAllAxes
    ),
    "NVIDIA-AI-IOT/torch2trt/issues/480": Report(sequences.SetFromItself, SERIES),
    "onnx/onnx/issues/3781": Report(
        sequences.SetAtPlaces, [{"shape": ["batch", 2, 4]}, {"shape": [2], "dtype": "int64", "range": [0, 3]}]
    ),
    "huggingface/transformers/issues/13392": Report(sequences.BufferedPositions, WORDS),
    "huggingface/transformers/issues/28625": Report(sequences.KeptRotations, SERIES),
    "openai/gpt-oss/pull/43": Report(sequences.GrowingRotations, SERIES),
    "pytorch/pytorch/issues/115262": Report(
        sequences.CausalByLength, SERIES, r"must be bool, not Tensor.*write bool\(…\)", sequences.CausalByLengthAsABool
    ),
    "pytorch/pytorch/issues/62756": Report(
        sequences.PaddedToWindows, WORDS, "`if padding > 0:`.*38 of the 300 sizes of axis 'time'"
    ),
    "pytorch/pytorch/pull/63011": Report(sequences.FlooredIds, WORDS),
    "pytorch/pytorch/issues/26596": Report(sequences.BoundedWords, WORDS, "forward changes `words.weight`"),
}
"""The reports, by where on GitHub they stand."""


def publish(net: type[torch.nn.Module], report: Report, tmp_path: Path) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Package a net; return it as it was trained, and as it would be served. Raises PublishError."""
    source = Path(inspect.getfile(net))
    names = {name for one in report.inputs for name in one["shape"] if isinstance(name, str)}
    axes = {name: bounds for name, bounds in SIZES.items() if name in names}
    axes |= {"batch": {"max": 5}} if net is windows.GroupedStatistics else {}
    fields = {"name": "net", "task": "tensor", "checkpoint": "weights.pt", "inputs": list(report.inputs), "axes": axes}
    architecture = f"{source.stem}:{net.__name__}"
    folder = write_folder(
        tmp_path / "model", {**fields, "architecture": architecture}, {source.name: source.read_text()}
    )
    torch.manual_seed(1)
    trained = net().eval()
    torch.save(trained.state_dict(), folder / "weights.pt")
    package = package_model(folder, tmp_path / "package")
    with tarfile.open(package.archive) as archive:
        archive.extract("model.pt", tmp_path, filter="data")
    return trained, torch.jit.load(str(tmp_path / "model.pt"))


def draws(inputs: Sequence[dict[str, object]]) -> list[list[torch.Tensor]]:
    names = list(dict.fromkeys(name for one in inputs for name in one["shape"] if isinstance(name, str)))
    drawn = []
    for seed, sizes in enumerate(itertools.product(*(UNPROVED[name] for name in names))):
        by_name = dict(zip(names, sizes, strict=True))
        generator = torch.Generator().manual_seed(1000 + seed)
        shapes = [[by_name.get(size, size) for size in one["shape"]] for one in inputs]
        drawn.append(
            [
                torch.randint(one["range"][0], one["range"][1] + 1, shape, generator=generator)
                if "range" in one
                else torch.randn(shape, generator=generator)
                for one, shape in zip(inputs, shapes, strict=True)
            ]
        )
    return drawn


def answers_alike(net: type[torch.nn.Module], report: Report, tmp_path: Path) -> None:
    trained, served = publish(net, report, tmp_path)
    with torch.no_grad():
        for inputs in draws(report.inputs):
            wanted = trained(*(tensor.clone() for tensor in inputs))
            torch.testing.assert_close(served(*inputs), wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("where", REPORTS)
def test_a_reported_model_answers_as_trained_or_is_refused_for_its_own_reason(tmp_path, where):
    report = REPORTS[where]
    if not report.refused_with:
        answers_alike(report.net, report, tmp_path)
        return
    with pytest.raises(PublishError) as caught:
        publish(report.net, report, tmp_path)
    assert re.search(report.refused_with, str(caught.value))


@pytest.mark.parametrize("where", [where for where, report in REPORTS.items() if report.made_right_by])
def test_a_refused_model_is_published_when_it_is_written_as_the_refusal_says(tmp_path, where):
    answers_alike(REPORTS[where].made_right_by, REPORTS[where], tmp_path)


def test_the_page_lists_each_report_with_what_becomes_of_it():
    rows = re.findall(r"^\| .*\(https://github\.com/([^)]+)\) \| (published|refused)", PAGE.read_text(), re.MULTILINE)
    assert dict(rows) == {where: "refused" if report.refused_with else "published" for where, report in REPORTS.items()}
