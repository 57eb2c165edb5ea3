"""The examples' models as they were trained, asked in this process: what a published one has to answer."""

import importlib
import json
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import xgboost
import yaml
from PIL import Image
from safetensors.torch import load_file

EXAMPLES = Path(__file__).parents[3] / "examples"
BOS, EOS = 2, 3
"""Lines of examples/numbers/target.txt."""


def load(kind: str) -> torch.nn.Module:
    """Return an example's trained model, without any of the project's code."""
    folder = EXAMPLES / kind
    manifest = yaml.safe_load((folder / "publish.yaml").read_text())
    module, _, name = manifest["architecture"].partition(":")
    checkpoint = folder / manifest["checkpoint"]
    weights = load_file(checkpoint) if checkpoint.suffix == ".safetensors" else torch.load(checkpoint)
    model = getattr(import_module(kind, module), name)(**manifest.get("arguments", {}))
    model.load_state_dict(weights)
    return model.eval()


def import_module(kind: str, name: str) -> ModuleType:
    return importlib.import_module(f"examples.{kind}.{name}")


def classes(kind: str) -> list[str]:
    return (EXAMPLES / kind / "classes.txt").read_text().split()


def sample_event(kind: str, name: str) -> dict[str, Any]:
    return json.loads((EXAMPLES / kind / "samples" / f"{name}.json").read_text())["event"]


@torch.inference_mode()
def scene(image: bytes, *, threshold: float, overlap: float) -> list[tuple[str, list[float], float]]:
    """Return the objects that examples/scenes finds in an image, best first: class, box in its pixels, score."""
    picture = Image.open(BytesIO(image)).convert("RGB")
    levels = np.asarray(picture.resize((96, 96), Image.Resampling.BILINEAR), dtype=np.float32)
    output = load("scenes")(torch.from_numpy(((levels / 255 - 0.5) / 0.25).transpose(2, 0, 1).copy()).unsqueeze(0))
    scale = torch.tensor([picture.width / 96, picture.height / 96] * 2)
    candidates = sorted(
        zip(
            output["scores"][0].tolist(),
            output["labels"][0].tolist(),
            (output["boxes"][0] * scale).tolist(),
            strict=True,
        ),
        reverse=True,
    )
    found: list[tuple[str, list[float], float]] = []
    for score, label, box in candidates:
        name = classes("scenes")[label]
        if score >= threshold and not any(
            name == other and _overlap(box, there) > overlap for other, there, _ in found
        ):
            found.append((name, box, score))
    return found


def _overlap(one: list[float], other: list[float]) -> float:
    sides = [min(one[axis + 2], other[axis + 2]) - max(one[axis], other[axis]) for axis in (0, 1)]
    shared = max(sides[0], 0) * max(sides[1], 0)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)


@torch.inference_mode()
def class_probabilities(kind: str, image: bytes) -> dict[str, float]:
    """Return what an image classifier makes of an image that is prepared step by step, as torchvision does."""
    preprocess = yaml.safe_load((EXAMPLES / kind / "publish.yaml").read_text())["preprocess"]
    picture = Image.open(BytesIO(image)).convert(preprocess.get("mode", "RGB"))
    size, crop = preprocess["size"], preprocess.get("crop")
    scale = size / min(picture.size) if isinstance(size, int) else None
    wanted = (int(picture.width * scale), int(picture.height * scale)) if scale else tuple(reversed(size))
    pixels = np.asarray(picture.resize(wanted, Image.Resampling.BILINEAR), dtype=np.float32) / 255
    if crop:
        top, left = (pixels.shape[0] - crop) // 2, (pixels.shape[1] - crop) // 2
        pixels = pixels[top : top + crop, left : left + crop]
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    scaled = (pixels - np.float32(preprocess["mean"])) / np.float32(preprocess["std"])
    logits = load(kind)(torch.from_numpy(scaled.transpose(2, 0, 1).copy()).unsqueeze(0))[0]
    return dict(zip(classes(kind), logits.softmax(0).tolist(), strict=True))


def wine_probabilities(features: list[float]) -> dict[str, float]:
    booster = xgboost.Booster(model_file=EXAMPLES / "wine" / "checkpoint.ubj")
    (probabilities,) = booster.inplace_predict(np.float32([features])).tolist()
    return dict(zip(classes("wine"), probabilities, strict=True))


@torch.inference_mode()
def vibration(recordings: list[list[list[float]]]) -> list[list[float]]:
    return load("vibration")(torch.tensor(recordings)).tolist()


@torch.inference_mode()
def translation(german: str) -> str:
    """Return the likeliest letter after the likeliest letter."""
    model, source, target = load("numbers"), tokens("numbers", "source.txt"), tokens("numbers", "target.txt")
    ids = torch.tensor([[source.index(letter) for letter in german]])
    written = [BOS]
    while written[-1] != EOS:
        written.append(int(model(ids, torch.tensor([written]))[0, -1].argmax()))
    return "".join(target[index] for index in written[1:-1])


@torch.inference_mode()
def date_embedding(text: str) -> list[float]:
    letters = tokens("dates", "tokens.txt")
    vector = load("dates")(torch.tensor([[letters.index(letter) for letter in text.lower()]]))[0]
    return (vector / vector.norm()).tolist()


@torch.inference_mode()
def generated_probability(name: str) -> float:
    """Return the answer of the net in full precision to the part of a domain that its owner chose."""
    ids = import_module("domains", "predictor").to_ids(name)
    return load("domains")(torch.tensor([ids])).sigmoid().item()


def tokens(kind: str, file: str) -> list[str]:
    return (EXAMPLES / kind / file).read_text(encoding="utf-8").split("\n")[:-1]
