"""Train a classifier of shapes in drawn colour pictures, and write a folder that can be published.

python examples/shapes/train.py                            # makes this folder's checkpoint again
python examples/shapes/train.py --output build/shapes      # leaves this folder as it is
"""

import argparse
import base64
import io
import json
import random
import shutil
from pathlib import Path

import numpy as np
import torch
from draw import CLASSES, draw_picture
from PIL import Image
from safetensors.torch import save_file
from shapes_net import ShapesNet
from torch.nn.functional import cross_entropy

HERE = Path(__file__).parent
COPIED = ("publish.yaml", "shapes_net.py", "classes.txt")
SIZE, CROP = 72, 64
MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
NOISE = 0.1
PHOTO = (1600, 1200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write (default: this one)")
    parser.add_argument("--pictures", type=int, default=6000, help="to train with (default 6000)")
    parser.add_argument("--epochs", type=int, default=8, help="passes over them (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the pictures (default 0)")
    options = parser.parse_args()

    torch.set_num_threads(1)
    model = train(*draw_set(options.pictures, options.seed), epochs=options.epochs, seed=options.seed)
    held_out, labels = draw_set(1000, options.seed + 1)
    with torch.inference_mode():
        right = (model(to_input(held_out)).argmax(1) == labels).float().mean().item()
    print(f"accuracy on 1,000 held-out pictures: {right:.1%}")
    write_folder(options.output, model, options.seed + 2)
    print(f"wrote {options.output}: model-tools publish {options.output}")


def draw_set(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return pictures as uint8 [count, 3, 64, 64], cropped from their middle, and the numbers of their classes."""
    draw = random.Random(seed)  # noqa: S311 (no secrets here)
    labels = [draw.randrange(len(CLASSES)) for _ in range(count)]
    return torch.stack([crop(draw_picture(CLASSES[label], 144, 108, draw)) for label in labels]), torch.tensor(labels)


def crop(picture: Image.Image) -> torch.Tensor:
    """Return a picture as `preprocess` in publish.yaml has it, before the normalisation."""
    scale = SIZE / min(picture.size)
    small = picture.resize((int(picture.width * scale), int(picture.height * scale)), Image.Resampling.BILINEAR)
    left, top = (small.width - CROP) // 2, (small.height - CROP) // 2
    return torch.from_numpy(np.asarray(small)[top : top + CROP, left : left + CROP].transpose(2, 0, 1).copy())


def to_input(pictures: torch.Tensor) -> torch.Tensor:
    return (pictures.float() / 255 - MEAN[:, None, None]) / STD[:, None, None]


def train(pictures: torch.Tensor, labels: torch.Tensor, *, epochs: int, seed: int) -> ShapesNet:
    torch.manual_seed(seed)
    model = ShapesNet()
    inputs = to_input(pictures)
    batches = -(-len(inputs) // 64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=epochs * batches)
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(64):
            # Smoothed labels and a little noise: no certainty that hangs on single pixels, which scaling changes.
            noisy = inputs[batch] + NOISE * torch.randn_like(inputs[batch])
            loss = cross_entropy(model(noisy), labels[batch], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def write_folder(folder: Path, model: ShapesNet, seed: int) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE.resolve():
        for name in COPIED:
            shutil.copy(HERE / name, folder)
    save_file(model.state_dict(), folder / "checkpoint.safetensors")
    draw = random.Random(seed)  # noqa: S311 (no secrets here)
    for shape in CLASSES:
        photo = io.BytesIO()
        draw_picture(shape, *PHOTO, draw).save(photo, "JPEG", quality=75)
        event = {"image": base64.b64encode(photo.getvalue()).decode()}
        sample = {"event": event, "expect": {"class": shape, "min_confidence": 0.5}}
        (folder / "samples" / f"{shape}.json").write_text(json.dumps(sample) + "\n")
    (folder / "cross.jpg").write_bytes(photo.getvalue())


if __name__ == "__main__":
    main()
