"""Train a detector of shapes in drawn scenes, and write a folder that can be published.

python examples/scenes/train.py                            # makes this folder's checkpoint again
python examples/scenes/train.py --output build/scenes      # leaves this folder as it is
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
from draw import CLASSES, Drawn, draw_scene
from PIL import Image
from safetensors.torch import save_file
from scenes_net import STRIDE, USUAL_SIDE, ScenesNet
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, smooth_l1_loss

HERE = Path(__file__).parent
COPIED = ("publish.yaml", "scenes_net.py", "classes.txt")
SIDE = 96
GRID = SIDE // STRIDE
PHOTO = (960, 720)
HITS = 0.5
"""A box is right when it overlaps the drawn one of its class by more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="the folder to write (default: this one)")
    parser.add_argument("--scenes", type=int, default=5000, help="to train with (default 5000)")
    parser.add_argument("--epochs", type=int, default=8, help="passes over them (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the scenes (default 0)")
    options = parser.parse_args()

    torch.set_num_threads(1)
    model = train(*draw_set(options.scenes, options.seed), epochs=options.epochs, seed=options.seed)
    print(f"found {recall(model, *draw_set(500, options.seed + 1)):.1%} of the objects in 500 held-out scenes")
    write_folder(options.output, model, options.seed + 2)
    print(f"wrote {options.output}: model-tools publish {options.output}")


def draw_set(count: int, seed: int) -> tuple[torch.Tensor, list[list[Drawn]]]:
    """Return inputs [count, 3, 96, 96] and what is in each of them."""
    draw = random.Random(seed)  # noqa: S311 (no secrets here)
    scenes = [draw_scene(128, 96, draw) for _ in range(count)]
    return torch.stack([to_input(picture) for picture, _ in scenes]), [objects for _, objects in scenes]


def to_input(picture: Image.Image) -> torch.Tensor:
    """Return a picture as `preprocess` in publish.yaml has it."""
    levels = np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)).transpose(2, 0, 1)
    return (torch.from_numpy(levels.copy()).float() / 255 - 0.5) / 0.25


def to_targets(scenes: list[list[Drawn]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return objectness [N, 144], places [N, 144, 4] and labels [N, 144]; places are in units of the net's outputs."""
    objectness = torch.zeros(len(scenes), GRID * GRID)
    places = torch.zeros(len(scenes), GRID * GRID, 4)
    labels = torch.zeros(len(scenes), GRID * GRID, dtype=torch.int64)
    for scene, objects in enumerate(scenes):
        for label, box in objects:
            left, upper, right, lower = (fraction * SIDE for fraction in box)
            column, row = (left + right) / 2 / STRIDE, (upper + lower) / 2 / STRIDE
            cell = int(row) * GRID + int(column)
            objectness[scene, cell], labels[scene, cell] = 1, label
            sides = torch.tensor([right - left, lower - upper])
            places[scene, cell] = torch.tensor([column % 1, row % 1, *(sides / USUAL_SIDE).log().tolist()])
    return objectness, places, labels


def train(inputs: torch.Tensor, scenes: list[list[Drawn]], *, epochs: int, seed: int) -> ScenesNet:
    torch.manual_seed(seed)
    model = ScenesNet()
    objectness, places, labels = to_targets(scenes)
    batches = -(-len(inputs) // 32)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=8e-3, total_steps=epochs * batches)
    for _ in range(epochs):
        for batch in torch.randperm(len(inputs)).split(32):
            seen, found, logits = model.look(inputs[batch] + 0.1 * torch.randn_like(inputs[batch]))
            there = objectness[batch] > 0
            middles, sides = found[there][:, :2].sigmoid(), found[there][:, 2:]
            wanted = places[batch][there]
            loss = (
                10 * binary_cross_entropy_with_logits(seen, objectness[batch], pos_weight=torch.tensor(3.0))
                + cross_entropy(logits[there], labels[batch][there])
                + 5 * smooth_l1_loss(torch.cat([middles, sides], 1), wanted, beta=0.1)
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def recall(model: ScenesNet, inputs: torch.Tensor, scenes: list[list[Drawn]]) -> float:
    """Return the share of the objects that a box of their class hits."""
    with torch.inference_mode():
        found = model(inputs)
    hits = []
    for scene, objects in enumerate(scenes):
        good = found["scores"][scene] > 0.4  # noqa: PLR2004 (the threshold in publish.yaml)
        boxes, labels = found["boxes"][scene][good] / SIDE, found["labels"][scene][good]
        for label, box in objects:
            shares = [overlap(box, other.tolist()) for other in boxes[labels == label]]
            hits.append(max(shares, default=0.0) > HITS)
    return sum(hits) / len(hits)


def overlap(one: tuple[float, ...], other: list[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(width, 0) * max(height, 0)
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (sum(areas) - shared)


def write_folder(folder: Path, model: ScenesNet, seed: int) -> None:
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    if folder.resolve() != HERE.resolve():
        for name in COPIED:
            shutil.copy(HERE / name, folder)
    save_file(model.state_dict(), folder / "checkpoint.safetensors")
    draw = random.Random(seed)  # noqa: S311 (no secrets here)
    for number in range(1, 5):
        picture, objects = draw_scene(*PHOTO, draw)
        photo = io.BytesIO()
        picture.save(photo, "JPEG", quality=80)
        event = {"image": base64.b64encode(photo.getvalue()).decode()}
        # Best first is the model's own order, so a sample of several objects expects what the model finds of them.
        found = model(to_input(Image.open(photo)).unsqueeze(0))
        order = found["scores"][0].argsort(descending=True)[: len(objects)]
        boxes = [[round(value, 1) for value in box] for box in to_pixels(found["boxes"][0][order])]
        names = [CLASSES[label] for label in found["labels"][0][order].tolist()]
        check(names, boxes, objects)
        sample = {"event": event, "expect": {"answer": {"classes": names, "boxes": boxes}, "tolerance": 4}}
        (folder / "samples" / f"scene{number}.json").write_text(json.dumps(sample) + "\n")
    (folder / "scene.jpg").write_bytes(photo.getvalue())


def to_pixels(boxes: torch.Tensor) -> list[list[float]]:
    return (boxes.detach() / SIDE * torch.tensor([*PHOTO, *PHOTO])).tolist()


def check(names: list[str], boxes: list[list[float]], objects: list[Drawn]) -> None:
    """Fail unless what the model finds is what was drawn."""
    drawn = sorted(
        (CLASSES[label], [side * edge for side, edge in zip(box, (*PHOTO, *PHOTO), strict=True)])
        for label, box in objects
    )
    for (name, box), (wanted, there) in zip(sorted(zip(names, boxes, strict=True)), drawn, strict=True):
        if name != wanted or overlap(tuple(there), box) <= HITS:
            raise SystemExit(f"the model finds {name} at {box}, drawn was {wanted} at {there}: train longer")


if __name__ == "__main__":
    main()
