"""Decodes images at reduced size and in full, and asks a model both. Runs in a child process."""

import io
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image

from model_tools.formats.sections import Preprocess
from model_tools.packaging.proof.decoding import MADE_PHOTO
from model_tools.packaging.proof.messages import IMAGES_FOLDER, Decoded, DecodingJob
from model_tools.packaging.proof.model_outputs import take_apart
from model_tools.tensors.dtypes import DTYPES
from model_tools.tensors.imaging import ImageRefused, image_to_tensor
from model_tools.tensors.memory_format import in_format

LEVELS = 255
SIDES = (1024, 4032)
"""The smallest and the largest side of the made photo, pixels; within them it is TIMES what the model wants."""
TIMES = 12
OCTAVES = 7
SHARE = 0.35
"""The share of each finer octave in the picture."""
QUALITY = 90


def compare_decoding(
    model: torch.jit.ScriptModule, job: DecodingJob, scratch: Path, *, channels_last: bool
) -> list[Decoded]:
    """Return how far the two ways are apart, for each image that is decoded at reduced size at all."""
    found = []
    for name, data in _images(job, scratch):
        try:
            drafted, full = (
                image_to_tensor(data, job.preprocess, DTYPES[job.dtype], draft=draft) for draft in (True, False)
            )
        except ImageRefused:
            continue  # the smoke test tells of a sample that is no image
        if not torch.equal(drafted, full):
            with Image.open(io.BytesIO(data)) as image:
                size = image.size
            answers = [_answer(model, tensor, channels_last=channels_last) for tensor in (drafted, full)]
            found.append(_compared(name, size, (drafted, full), answers, job))
    return found


def made_photo(side: int) -> bytes:
    """Return a JPEG of side x 3/4 side pixels with detail of all sizes and edges, as photos have; always the same."""
    generator = random.Random(1)  # noqa: S311 (the same photo each time, no secret)
    size = (side, side * 3 // 4)
    picture = Image.new("RGB", size, "grey")
    for octave in range(1, OCTAVES + 1):
        columns, rows = 4 * 2**octave, 3 * 2**octave
        noise = Image.frombytes("RGB", (columns, rows), generator.randbytes(3 * columns * rows))
        picture = Image.blend(picture, noise.resize(size, Image.Resampling.BILINEAR), SHARE)
    picture.paste("navy", (size[0] // 4, size[1] // 3, size[0] // 2, size[1] // 2))  # an object with straight edges
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _images(job: DecodingJob, scratch: Path) -> Iterator[tuple[str, bytes]]:
    for number, name in enumerate(job.names):
        yield name, (scratch / IMAGES_FOLDER / str(number)).read_bytes()
    size = job.preprocess.size
    wanted = size if isinstance(size, int) else max(size)
    yield MADE_PHOTO, made_photo(max(SIDES[0], min(SIDES[1], TIMES * wanted)))


def _answer(model: torch.jit.ScriptModule, image: torch.Tensor, *, channels_last: bool) -> torch.Tensor:
    (tensor,) = in_format([image], channels_last=channels_last)
    return take_apart(model(tensor)).tensors[0].double()


def _compared(
    name: str,
    size: tuple[int, int],
    inputs: tuple[torch.Tensor, torch.Tensor],
    answers: Sequence[torch.Tensor],
    job: DecodingJob,
) -> Decoded:
    drafted, full = answers
    if job.compared == "confidences":
        drafted, full = drafted.softmax(-1), full.softmax(-1)
        apart = float((drafted - full).abs().max())
    else:
        apart = float((drafted - full).abs().max() / full.abs().max().clamp(min=1e-12))
    levels = _levels(inputs[0] - inputs[1], job.preprocess)
    return Decoded(
        name=name,
        size=size,
        levels_mean=round(float(levels.mean()), 4),
        levels_max=round(float(levels.max()), 4),
        answers_apart=round(apart, 6),
        same_top1=job.compared != "confidences" or bool(torch.equal(drafted.argmax(-1), full.argmax(-1))),
    )


def _levels(apart: torch.Tensor, preprocess: Preprocess) -> torch.Tensor:
    """Return differences of normalised inputs as levels of 255."""
    std = torch.tensor(preprocess.std or [1.0] * preprocess.channels).view(1, -1, 1, 1)
    return apart.double().abs() * std * LEVELS
