"""Train a classifier of handwritten digits, and write a folder that can be published.

python examples/digits/train.py                            # makes this folder's checkpoint again
python examples/digits/train.py --output build/digits      # leaves this folder as it is

It needs nothing but the files beside it, so the folder is a trainer for the retraining workflow as well.
"""

import argparse
import base64
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import torch
from digits_net import DigitsNet
from PIL import Image

HERE = Path(__file__).parent
COPIED = ("digits_net.py",)
CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
BRIGHTEST = 16  # the data set's grey levels are 0…16
HELD_OUT = 360
"""Of digits.npz the last images, as many of each digit, are never trained on."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write (default: this one)")
    parser.add_argument("--channels", type=int, default=8, help="width of the net (default 8)")
    parser.add_argument("--epochs", type=int, default=8, help="passes over the training images (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the order of the images (default 0)")
    parser.add_argument("--shuffle-labels", action="store_true", help="train on wrong labels, to see it be refused")
    options = parser.parse_args()

    with np.load(HERE / "digits.npz") as data:
        images = np.rint(data["images"] * (255 / BRIGHTEST)).astype(np.uint8)
        labels = data["labels"].astype(np.int64)
    training_labels, held_out, held_out_labels = labels[:-HELD_OUT], images[-HELD_OUT:], labels[-HELD_OUT:]
    if options.shuffle_labels:
        training_labels = np.random.default_rng(options.seed).permutation(training_labels)
    model = train(
        images[:-HELD_OUT], training_labels, channels=options.channels, epochs=options.epochs, seed=options.seed
    )
    print(f"accuracy on {len(held_out)} held-out images: {accuracy(model, held_out, held_out_labels):.1%}")
    write_folder(options.output, model, options.channels, typical_images(held_out, held_out_labels))
    print(f"wrote {options.output}: model-tools publish {options.output}")


def to_tensor(images: np.ndarray) -> torch.Tensor:
    """Return uint8 images [N, 8, 8] as the net's input, exactly as `preprocess` in publish.yaml does it."""
    return (torch.from_numpy(images).unsqueeze(1).float() / 255 - 0.5) / 0.5


def train(images: np.ndarray, labels: np.ndarray, *, channels: int, epochs: int, seed: int) -> DigitsNet:
    torch.manual_seed(seed)
    model = DigitsNet(channels)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    inputs, targets = to_tensor(images), torch.from_numpy(labels)
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    return model.eval()


def accuracy(model: DigitsNet, images: np.ndarray, labels: np.ndarray) -> float:
    with torch.inference_mode():
        answers = model(to_tensor(images)).argmax(1)
    return (answers == torch.from_numpy(labels)).float().mean().item()


def typical_images(images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return, for each class, the held-out image nearest to its class' mean: one that any sound model knows."""
    typical = {}
    for label, name in enumerate(CLASSES):
        of_class = images[labels == label].astype(np.float64)
        nearest = np.square(of_class - of_class.mean(0)).sum((1, 2)).argmin()
        typical[name] = of_class[nearest].astype(np.uint8)
    return typical


def write_folder(folder: Path, model: DigitsNet, channels: int, samples: dict[str, np.ndarray]) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE.resolve():
        for name in COPIED:
            shutil.copy(HERE / name, folder)
    torch.save(model.state_dict(), folder / "checkpoint.pt")
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    for name, image in samples.items():
        png = io.BytesIO()
        Image.fromarray(image).save(png, "PNG")
        event = {"image": base64.b64encode(png.getvalue()).decode()}
        sample = {"event": event, "expect": {"class": name, "min_confidence": 0.6}}
        (folder / "samples" / f"{name}.json").write_text(json.dumps(sample, indent=1) + "\n")
    manifest = (HERE / "publish.yaml").read_text(encoding="utf-8")
    (folder / "publish.yaml").write_text(re.sub(r"channels: \d+", f"channels: {channels}", manifest), encoding="utf-8")


if __name__ == "__main__":
    main()
