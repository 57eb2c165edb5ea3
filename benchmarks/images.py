"""From an image to the input of a model: as torchvision does it step by step, against `model_tools.tensors.imaging`.

.venv/bin/python benchmarks/images.py

One compute thread on both sides. The top-1 is that of a ResNet-18 (random filters, its last layer fitted to tell the
kinds of picture apart) on both inputs.
"""

from collections.abc import Iterator

import torch
from nets import ResNet18, build
from pictures import KINDS, PHOTO, SMALL, as_file, encoded, picture
from report import Options, Row, compare, main, progress
from sides import by_turns
from tutorials_way import MEAN, STD
from tutorials_way import image_to_tensor as their_tensor

from model_tools.formats.sections import Preprocess
from model_tools.tensors.imaging import image_to_tensor as our_tensor

PREPROCESS = Preprocess(size=256, crop=224, mean=MEAN, std=STD)
PHOTO_QUALITIES = (75, 85, 95)
"""What web pages serve, what phones send, and what cameras write."""
PHOTO_NOTES = {
    95: "what remains is libjpeg's Huffman decoding, which is serial and must read every byte, whatever the size that "
    "is decoded to.",
}
RIDGE = 10.0
LEVEL = 1 / 255 / min(STD)
"""One of 256 levels, as the model's input sees it."""


def measure(options: Options) -> list[Row]:
    torch.set_num_threads(1)
    rows = []
    progress("images: 10-megapixel photos to measure with")
    photo = picture(3, 1, PHOTO)
    for quality in PHOTO_QUALITIES:
        data = as_file(photo, quality=quality)
        name = f"JPEG of 10 megapixels, quality {quality} ({len(data) / 1e6:.1f} MB)"
        rows.append(_speed(name, data, 5 if options.quick else 15, at_least=4, note=PHOTO_NOTES.get(quality, "")))
    for name, size in SMALL.items():
        data = encoded(4, 2, size, name.split()[-1])
        rows.append(_speed(name, data, 40 if options.quick else 200, at_least=1))
    rows.append(_top_1(quick=options.quick))
    return rows


def _speed(name: str, data: bytes, rounds: int, *, at_least: float, note: str = "") -> Row:
    progress(f"images: {name}")
    seconds = by_turns(
        {"theirs": lambda: their_tensor(data), "ours": lambda: our_tensor(data, PREPROCESS)}, rounds, warm_ups=3
    )
    milliseconds = {side: [1000 * each for each in times] for side, times in seconds.items()}
    title = f"image → tensor: {name}"
    return compare(title, milliseconds["theirs"], milliseconds["ours"], "ms", at_least=at_least, note=note)


@torch.inference_mode()
def _top_1(*, quick: bool) -> Row:
    """Ask a classifier for each picture on both sides' inputs."""
    progress("images: top-1 on both sides")
    model = _fitted(4 if quick else 12)
    same, right, pictures, farthest, probability = 0, 0, 0, 0.0, 0.0
    for kind, data in _test_pictures(quick=quick):
        theirs, ours = their_tensor(data), our_tensor(data, PREPROCESS)
        answers = torch.softmax(model(torch.cat([theirs, ours])), 1)
        top = answers.argmax(1).tolist()
        pictures, same, right = pictures + 1, same + (top[0] == top[1]), right + (top[0] == kind)
        farthest = max(farthest, float((theirs - ours).abs().mean()) / LEVEL)
        probability = max(probability, float((answers[0] - answers[1]).abs().max()))
    return Row(
        f"same top-1 ({pictures} pictures)", pictures, same, "", "all", same == pictures,
        note=f"their top-1 is right for {right}; a picture's inputs are {farthest:.2f} levels of 256 apart at most in "
        f"the mean, a class's probability {probability:.3f} at most.",
    )  # fmt: skip


def _fitted(of_each_kind: int) -> torch.nn.Module:
    """Return a ResNet-18 whose last layer is fitted, by ridge regression, to pictures that are not test pictures."""
    model = build(lambda: ResNet18(KINDS))
    seeds = [(kind, 1000 + number) for kind in range(KINDS) for number in range(of_each_kind)]
    features = torch.cat([model.features(their_tensor(encoded(*each, (320, 240)))) for each in seeds])
    mean, scale = features.mean(0), features.std(0).clamp_min(1e-6)
    inputs = (features - mean) / scale
    targets = torch.eye(KINDS)[[kind for kind, _ in seeds]]
    weights = torch.linalg.solve(inputs.T @ inputs + RIDGE * torch.eye(inputs.shape[1]), inputs.T @ (targets - 0.1))
    model.head.weight.copy_(10 * (weights / scale[:, None]).T)
    model.head.bias.copy_(-10 * (mean / scale) @ weights)
    return model


def _test_pictures(*, quick: bool) -> Iterator[tuple[int, bytes]]:
    for kind in range(KINDS):
        for seed in range(1 if quick else 4):
            for name, size in SMALL.items():
                yield kind, encoded(kind, seed, size, name.split()[-1])
            yield kind, encoded(kind, seed, (1600, 1200) if seed % 2 else (1080, 1920))
        if kind % 3 == 0 and not quick:
            yield kind, encoded(kind, 0, PHOTO)


if __name__ == "__main__":
    main(measure, __doc__)
