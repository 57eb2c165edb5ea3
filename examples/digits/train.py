"""Train a digit classifier on scikit-learn's handwritten digits and write a folder that can be published.

python examples/digits/train.py --output build/digits
model-tools publish build/digits --local
"""

import argparse
import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np
import torch
import yaml
from digits_net import DigitsNet
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

CLASSES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
BRIGHTEST = 16  # the data set's grey levels are 0…16
HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="the folder to write; it is replaced")
    parser.add_argument("--channels", type=int, default=8, help="width of the net (default 8)")
    parser.add_argument("--epochs", type=int, default=8, help="passes over the training images (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the order of the images (default 0)")
    parser.add_argument("--shuffle-labels", action="store_true", help="train on wrong labels, to see it be refused")
    options = parser.parse_args()

    pixels, labels = load_digits(return_X_y=True)
    images = np.rint(pixels.reshape(-1, 8, 8) * (255 / BRIGHTEST)).astype(np.uint8)
    training, held_out, training_labels, held_out_labels = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=7
    )
    if options.shuffle_labels:
        training_labels = np.random.default_rng(options.seed).permutation(training_labels)
    model = train(training, training_labels, channels=options.channels, epochs=options.epochs, seed=options.seed)
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
    if folder.exists():
        shutil.rmtree(folder)
    (folder / "samples").mkdir(parents=True)
    torch.save(model.state_dict(), folder / "checkpoint.pt")
    shutil.copy(HERE / "digits_net.py", folder)
    (folder / "classes.txt").write_text("\n".join(CLASSES) + "\n")
    for name, image in samples.items():
        png = io.BytesIO()
        Image.fromarray(image).save(png, "PNG")
        event = {"image": base64.b64encode(png.getvalue()).decode()}
        sample = {"event": event, "expect": {"class": name, "min_confidence": 0.6}}
        (folder / "samples" / f"{name}.json").write_text(json.dumps(sample, indent=1))
    manifest = {
        "name": "digits",
        "task": "image-classification",
        "checkpoint": "checkpoint.pt",
        "architecture": "digits_net:DigitsNet",
        "arguments": {"channels": channels},
        "inputs": [{"shape": ["batch", 1, 8, 8], "dtype": "float32", "range": [-1, 1]}],
        "classes": "classes.txt",
        "preprocess": {"size": [8, 8], "mode": "L", "mean": [0.5], "std": [0.5]},
        "samples": "samples/*.json",
    }
    (folder / "publish.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))


if __name__ == "__main__":
    main()
