"""Whether a model bears that large JPEGs are decoded at reduced size: proved with real images, models and children."""

import base64
import io
import json
import tarfile

import pytest
from PIL import Image

from model_tools.errors import ParityFailed
from model_tools.packaging.package import Package
from model_tools.packaging.proof.decoding_worker import made_photo
from tests.support.packaging.model_folders import sample, write_classifier, write_model
from tests.support.packaging.packing import package_model

NITPICKING = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.arange(64, dtype=torch.float64).view(8, 8) * 3000)

        def forward(self, x):
            phase = (x * self.gain).mean((1, 2, 3))
            return torch.stack([phase.sin(), phase.cos()], 1)
"""


PREDICTOR = "def respond(output, request):\n    return {'phase': output[0].tolist()}\n"


def decoding(package: Package) -> list[dict]:
    with tarfile.open(package.archive) as tar:
        return json.loads(tar.extractfile("parity.json").read())["decoding"]


def jpeg(side: int) -> str:
    return base64.b64encode(made_photo(side)).decode()


def test_large_jpegs_of_samples_and_a_made_photo_are_decoded_both_ways(tmp_path):
    files = {"samples/large.json": sample({"image": jpeg(640)}), "samples/small.json": sample({"image": jpeg(16)})}
    folder = write_classifier(tmp_path / "model", samples="samples/*.json", more=files)
    found = decoding(package_model(folder, tmp_path / "package"))
    assert [(image["name"], image["size"]) for image in found] == [
        ("samples/large.json", [640, 480]), ("a made photo", [1024, 768]),
    ]  # fmt: skip
    assert all(0 < image["levels_mean"] < 1 for image in found)
    assert all(image["same_top1"] and image["answers_apart"] < 0.05 for image in found)


@pytest.mark.parametrize("task", ["image-classification", "embedding"])
def test_a_model_that_hangs_on_the_last_bits_of_pixels_is_refused(tmp_path, task):
    classes = {"classes": "classes.txt"} if task == "image-classification" else {}
    folder = write_model(
        tmp_path / "model", NITPICKING, task=task, files={"classes.txt": "odd\neven\n"}, **classes,
        inputs=[{"shape": ["batch", 1, 8, 8], "dtype": "float64"}], preprocess={"size": [8, 8], "mode": "L"},
    )  # fmt: skip
    with pytest.raises(ParityFailed, match=r"Decoding a made photo \(1024 x 768 pixels\) at reduced size"):
        package_model(folder, tmp_path / "package")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("(40 * phase.sin()).unsqueeze(1)", id="one logit"),
        pytest.param("torch.sigmoid(40 * phase.sin())", id="one probability without its axis"),
        pytest.param("torch.stack([0.5 + phase.sin() / 4, 0.5 - phase.sin() / 4], 1)", id="probabilities"),
    ],
)
def test_the_answers_that_users_get_are_compared_whatever_the_scores_mean(tmp_path, answer):
    code = NITPICKING.replace("torch.stack([phase.sin(), phase.cos()], 1)", answer)
    folder = write_model(
        tmp_path / "model", code, task="image-classification", classes="classes.txt",
        files={"classes.txt": "odd\neven\n"},
        inputs=[{"shape": ["batch", 1, 8, 8], "dtype": "float64"}], preprocess={"size": [8, 8], "mode": "L"},
    )  # fmt: skip
    with pytest.raises(ParityFailed, match=r"Decoding a made photo"):
        package_model(folder, tmp_path / "package")


def test_serving_may_reduce_only_what_was_proved(tmp_path):
    classifier = package_model(write_classifier(tmp_path / "classifier"), tmp_path / "one")
    own = write_model(
        tmp_path / "own", NITPICKING, task="custom", custom={}, samples="samples/*.json",
        inputs=[{"shape": ["batch", 1, 8, 8], "dtype": "float64"}], preprocess={"size": [8, 8], "mode": "L"},
        files={"predictor.py": PREDICTOR, "samples/large.json": sample({"image": jpeg(640)})},
    )  # fmt: skip
    custom = package_model(own, tmp_path / "two")

    assert classifier.manifest.reduced_decoding is True
    assert custom.manifest.reduced_decoding is False
    with tarfile.open(custom.archive) as tar:
        assert "decoding" not in json.loads(tar.extractfile("parity.json").read())


def test_the_made_photo_is_always_the_same_and_has_detail():
    photo = made_photo(256)
    assert photo == made_photo(256)
    with Image.open(io.BytesIO(photo)) as image:
        assert image.size == (256, 192)
        assert len(set(image.convert("L").tobytes())) > 100
