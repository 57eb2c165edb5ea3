"""How tutorials put PyTorch on Lambda, in our own words: what this project is measured against.

Nothing here is made slower than it is usually written.
"""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def pack(archive: Path, model: Path, classes: Path) -> None:
    """Write the TorchScript file and its class names with what `tarfile` does by itself: zlib, level 9, one thread."""
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(model, arcname="model.pt")
        tar.add(classes, arcname="classes.txt")


def load(get_object: Callable[[], Any]) -> tuple[torch.jit.ScriptModule, list[str]]:
    """Read the object whole, open it as an archive in memory, and load the model from memory once more."""
    downloaded = io.BytesIO(get_object()["Body"].read())
    with tarfile.open(fileobj=downloaded, mode="r:gz") as tar:
        for member in tar.getmembers():
            contents = tar.extractfile(member)
            if contents is None:
                continue
            if member.name.endswith(".txt"):
                classes = contents.read().decode().splitlines()
            elif member.name.endswith(".pt"):
                model = torch.jit.load(io.BytesIO(contents.read()), map_location=torch.device("cpu")).eval()
    return model, classes


def image_to_tensor(data: bytes, resize: int = 256, crop: int = 224) -> torch.Tensor:
    """Decode, resize, crop, convert and normalise, one step after the other: torchvision's reference transforms."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    short = min(width, height)
    image = image.resize((int(resize * width / short), int(resize * height / short)), Image.Resampling.BILINEAR)
    left, top = round((image.width - crop) / 2), round((image.height - crop) / 2)
    image = image.crop((left, top, left + crop, top + crop))
    tensor = torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous().to(torch.float32).div(255)
    mean, std = torch.tensor(MEAN).view(-1, 1, 1), torch.tensor(STD).view(-1, 1, 1)
    return tensor.clone().sub_(mean).div_(std).unsqueeze(0)


def tensor_handler(model: torch.jit.ScriptModule) -> Callable[[dict[str, Any], object], dict[str, Any]]:
    """Return a handler of an HTTP event that passes numbers to a model, with no checks of what it is given."""

    def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
        numbers = json.loads(event["body"])["input"]
        with torch.no_grad():
            output = model(torch.tensor(numbers, dtype=torch.float32))
        return {"statusCode": 200, "body": json.dumps({"output": output.tolist()})}

    return handler
