"""Decodes images at reduced size and in full, and compares a model's answers to both. Runs in a child process."""

import io
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image

from model_tools.formats.sections import Preprocess
from model_tools.packaging.proof.comparison import share_of_scale
from model_tools.packaging.proof.decoding import MADE_PHOTO
from model_tools.packaging.proof.messages import IMAGES_FOLDER, DecodingDifference, DecodingJob
from model_tools.packaging.proof.model_outputs import take_apart
from model_tools.packaging.proof.scales import UsualScales
from model_tools.tensors.class_probabilities import class_probabilities
from model_tools.tensors.dtypes import DTYPES
from model_tools.tensors.image_files import ImageRefused
from model_tools.tensors.imaging import image_to_tensor
from model_tools.tensors.memory_format import in_format

LEVELS = 255
"""The largest level of an 8-bit channel."""
SIDES = (1024, 4032)
"""The smallest and the largest width of the synthetic photo, in pixels."""
SIDE_FACTOR = 12
"""The photo's width in units of the size that the model wants, within the bounds of SIDES."""
OCTAVES = 7
"""The number of layers of noise in the photo, each with twice the detail of the one before."""
OCTAVE_SHARE = 0.35
"""The share of each finer layer when it is blended into the photo."""
QUALITY = 90
"""The quality at which the photo is saved as JPEG."""


def compare_decoding(
    model: torch.jit.ScriptModule, job: DecodingJob, scratch: Path, *, channels_last: bool
) -> list[DecodingDifference]:
    """Return the differences between both ways of decoding, for each image that they decode differently."""
    found = []
    for name, data in _images(job, scratch):
        try:
            drafted, full = (
                image_to_tensor(data, job.preprocess, DTYPES[job.dtype], draft=draft) for draft in (True, False)
            )
        except ImageRefused:
            continue  # the smoke test will refuse a sample that is no image
        if not torch.equal(drafted, full):
            with Image.open(io.BytesIO(data)) as image:
                size = image.size
            answers = [_answer(model, tensor, channels_last=channels_last) for tensor in (drafted, full)]
            found.append(_compared(name, size, (drafted, full), answers, job))
    return found


def made_photo(side: int) -> bytes:
    """Return a synthetic photo as a JPEG of `side` x 3/4 `side` pixels; the same for each call.

    It has detail of all sizes and sharp edges, as photos have.
    """
    generator = random.Random(1)  # noqa: S311 (the photo is no secret and the same for each call)
    size = (side, side * 3 // 4)
    picture = Image.new("RGB", size, "grey")
    for octave in range(1, OCTAVES + 1):
        columns, rows = 4 * 2**octave, 3 * 2**octave
        noise = Image.frombytes("RGB", (columns, rows), generator.randbytes(3 * columns * rows))
        picture = Image.blend(picture, noise.resize(size, Image.Resampling.BILINEAR), OCTAVE_SHARE)
    picture.paste("navy", (size[0] // 4, size[1] // 3, size[0] // 2, size[1] // 2))  # an object with straight edges
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def _images(job: DecodingJob, scratch: Path) -> Iterator[tuple[str, bytes]]:
    for number, name in enumerate(job.names):
        yield name, (scratch / IMAGES_FOLDER / str(number)).read_bytes()
    size = job.preprocess.size
    wanted = size if isinstance(size, int) else max(size)
    yield MADE_PHOTO, made_photo(max(SIDES[0], min(SIDES[1], SIDE_FACTOR * wanted)))


def _answer(model: torch.jit.ScriptModule, image: torch.Tensor, *, channels_last: bool) -> torch.Tensor:
    (tensor,) = in_format([image], channels_last=channels_last)
    return take_apart(model(tensor)).tensors[0].double()


def _compared(
    name: str,
    size: tuple[int, int],
    inputs: tuple[torch.Tensor, torch.Tensor],
    answers: Sequence[torch.Tensor],
    job: DecodingJob,
) -> DecodingDifference:
    drafted, full = answers
    if job.compared == "confidences":
        drafted, full = (class_probabilities(answer.flatten(), job.scores) for answer in answers)
        apart = float((drafted - full).abs().max())
    else:
        apart = share_of_scale(drafted, full, usual=UsualScales([]))
    levels = _levels(inputs[0] - inputs[1], job.preprocess)
    return DecodingDifference(
        name=name,
        size=size,
        levels_mean=round(float(levels.mean()), 4),
        levels_max=round(float(levels.max()), 4),
        answers_apart=round(apart, 6),
        same_top1=job.compared != "confidences" or bool(torch.equal(drafted.argmax(-1), full.argmax(-1))),
    )


def _levels(apart: torch.Tensor, preprocess: Preprocess) -> torch.Tensor:
    """Return the differences of normalised inputs in levels of 255."""
    std = torch.tensor(preprocess.std or [1.0] * preprocess.channels).view(1, -1, 1, 1)
    return apart.double().abs() * std * LEVELS
