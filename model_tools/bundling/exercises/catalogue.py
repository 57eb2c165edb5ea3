"""The exercises' models, which cover every task, every kind of checkpoint and every optimisation.

This module is plain data; `folders.py` makes the models' folders from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from model_tools.formats.manifest import Library, TaskName

Net = Literal["convolutional", "detector", "linear", "recurrent", "translator", "trees"]


@dataclass(frozen=True)
class ExerciseModel:
    """A small model: its net, its manifest, and the requests that it must answer besides its samples."""

    task: TaskName
    net: Net
    checkpoint: str
    """The checkpoint's file, whose suffix tells the format."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the manifest besides name, task and checkpoint."""
    requests: tuple[Mapping[str, Any], ...] = ()
    """Events that must be answered; "@image.png" stands for the base64 of that image."""
    files: Mapping[str, str] = field(default_factory=dict)
    """The texts of further files of the folder, by their names."""

    @property
    def name(self) -> str:
        """The name of the model's folder, and of the model in its manifest."""
        return f"{self.task}-{self.checkpoint.rpartition('.')[2]}"

    @property
    def library(self) -> Library:
        """The library that runs the model."""
        return "xgboost" if self.net == "trees" else "torch"


REQUESTS_FILE = "requests.json"
"""The file of a model's folder with its requests."""
IMAGE_NAMES = ("image.jpg", "image.png", "image.webp", "image.gif", "image.bmp", "image.tif")
"""One image of every format that serving decodes."""
VOCABULARY = "<pad>\n<bos>\n<eos>\n<unk>\none\ntwo\nthree\n"
TABLE = [{"shape": ["batch", 4]}]
TOKENS = {"dtype": "int64", "range": [0, 6]}
ARCHITECTURE = {"architecture": "net:Net"}
PREDICTOR = """
import io

import numpy
import torch
from PIL import Image, ImageEnhance, ImageFilter, ImageOps


def preprocess(request):
    image = ImageOps.fit(Image.new("RGB", (9, 7), (10, 20, 30)).filter(ImageFilter.BLUR), (4, 1)).convert("L")
    image = ImageEnhance.Contrast(image).enhance(1.5)
    numbers = numpy.asarray(image, dtype=numpy.float32) / 255 + numpy.asarray(request["numbers"], dtype=numpy.float32)
    return torch.from_numpy(numpy.ascontiguousarray(numbers.reshape(1, 4)))


def respond(output, request):
    return {"answer": numpy.round(output.numpy(), 3).tolist()}
"""

MODELS = (
    ExerciseModel(
        "image-classification",
        "convolutional",
        "weights.pt",
        {
            **ARCHITECTURE, "inputs": [{"shape": ["batch", 3, 8, 8]}], "classes": "classes.txt",
            "preprocess": {"size": 10, "crop": 8, "mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]},
        },
        tuple({"image": f"@{name}"} for name in IMAGE_NAMES),
        {"classes.txt": "one\ntwo\nthree\n"},
    ),
    ExerciseModel(
        "object-detection", "detector", "weights.ckpt",
        {
            **ARCHITECTURE, "inputs": [{"shape": ["batch", 3, 8, 8]}], "classes": "classes.txt",
            "preprocess": {"size": [8, 8]}, "detection": {"threshold": 0.1},
        },
        tuple({"image": f"@{name}"} for name in IMAGE_NAMES),
        {"classes.txt": "one\ntwo\nthree\n"},
    ),
    ExerciseModel(
        "tensor", "recurrent", "weights.safetensors",
        {**ARCHITECTURE, "inputs": [{"shape": ["batch", 3, 4]}], "optimize": {"quantize": "dynamic-int8"}},
    ),
    ExerciseModel("tabular", "linear", "model.pth", {"inputs": TABLE}, ({"input_X": [[1, 2, 3, 4], [4, 3, 2, 1]]},)),
    ExerciseModel("embedding", "linear", "model.pt2", {"inputs": TABLE, "embedding": {"normalize": True}}),
    ExerciseModel(
        "text-to-text", "translator", "weights.pth.tar",
        {
            **ARCHITECTURE,
            "inputs": [{"shape": ["batch", "source"], **TOKENS}, {"shape": ["batch", "target"], **TOKENS}],
            "text": {
                "source_vocabulary": "source.txt", "target_vocabulary": "target.txt", "max_target_tokens": 4, "beams": 2
            },
        },
        ({"texts": ["one two", "three"]}, {"text": "two", "beams": 1}),
        {"source.txt": VOCABULARY, "target.txt": VOCABULARY},
    ),
    ExerciseModel(
        "custom", "linear", "weights.bin",
        {
            **ARCHITECTURE, "inputs": TABLE, "custom": {"predictor": "predictor.py"}, "samples": "samples/*.json",
            "optimize": {"quantize": "bfloat16"},
        },
        (),
        {"predictor.py": PREDICTOR, "samples/one.json": '{"event": {"numbers": [1, 2, 3, 4]}}'},
    ),
    ExerciseModel("tabular", "trees", "model.ubj", {"inputs": TABLE}, ({"input_X": [[1, 2, 3, 4], [4, 3, 2, 1]]},)),
    ExerciseModel("tabular", "trees", "model.json", {"inputs": TABLE}, ({"input_X": [1, 2, 3, 4]},)),
)  # fmt: skip


def models_of(library: Library) -> list[ExerciseModel]:
    """Return the models that a library runs."""
    return [model for model in MODELS if model.library == library]
