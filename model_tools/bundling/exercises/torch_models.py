"""Makes the folders of the models that use torch. It runs as a module with the name of a folder.

It runs with the whole installed library and is not watched, since a function never makes models in this way.
"""

import base64
import io
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import save_file

from model_tools.bundling.exercises import nets
from model_tools.bundling.exercises.catalogue import IMAGE_NAMES, ExerciseModel, Net
from model_tools.bundling.exercises.folders import make_folders

MAKERS: Mapping[Net, Callable[[], torch.nn.Module]] = {
    "convolutional": nets.Convolutional, "detector": nets.Detector, "linear": nets.Linear,
    "recurrent": nets.Recurrent, "translator": nets.Translator,
}  # fmt: skip


def save_net(model: ExerciseModel, path: Path) -> None:
    """Save a model's checkpoint in the format of its suffix, and its architecture's code if the format needs it."""
    torch.manual_seed(0)
    net = MAKERS[model.net]().eval()
    match path.suffix:
        case ".pth":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                torch.jit.save(torch.jit.script(net), path)
            return
        case ".pt2":
            batch = torch.export.Dim("batch", min=1, max=64)
            torch.export.save(torch.export.export(net, (torch.ones(2, 4),), dynamic_shapes=({0: batch},)), path)
            return
        case ".safetensors":
            save_file(net.state_dict(), path)
        case _:
            torch.save(net.state_dict(), path)
    code = path.parent / "net.py"
    shutil.copyfile(nets.__file__, code)
    with code.open("a", encoding="utf-8") as file:
        file.write(f"\n\nNet = {type(net).__name__}\n")


def draw_images() -> dict[str, str]:
    """Return a picture in every format that serving accepts, as base64, by name."""
    picture = Image.radial_gradient("L").resize((40, 30)).convert("RGB")
    encoded = {}
    for name in IMAGE_NAMES:
        buffer = io.BytesIO()
        picture.save(buffer, Image.registered_extensions()[Path(name).suffix])
        encoded[name] = base64.b64encode(buffer.getvalue()).decode()
    return encoded


if __name__ == "__main__":
    make_folders("torch", Path(sys.argv[1]), save_net, draw_images())
