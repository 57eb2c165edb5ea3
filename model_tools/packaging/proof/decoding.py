"""Whether images decoded at reduced size are answered as those decoded in full. Pure.

Serving decodes a large JPEG at a half, a quarter or an eighth of its size (model_tools.tensors.imaging), which is
several times faster and changes pixels a little. How little is proved for each model.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence

from model_tools.errors import ParityFailed
from model_tools.formats.requests import BATCH_FIELD
from model_tools.formats.samples import Sample
from model_tools.packaging.proof.messages import Decoded

MADE_PHOTO = "a made photo"
JPEG = b"\xff\xd8\xff"
"""Only these can be decoded at reduced size."""
MAX_IMAGES = 50
MEAN_LEVELS = 2.0
MAX_LEVELS = 48.0
"""Levels of 255, after the resize; a single pixel on a sharp edge may be off by far more than the mean."""
ANSWERS_APART = 0.05
"""The largest difference of a classifier's confidence, or of an embedding as a share of its magnitude."""


def sample_images(samples: Sequence[Sample]) -> Iterator[tuple[str, bytes]]:
    """Yield the JPEGs that samples bring as base64, each with its sample's name."""
    count = 0
    for sample in samples:
        for event in sample.event.get(BATCH_FIELD, [sample.event]):
            image = _jpeg(event.get("image")) if isinstance(event, Mapping) else None
            if image is not None and count < MAX_IMAGES:
                count += 1
                yield sample.name, image


def refuse_decoding(images: Sequence[Decoded]) -> None:
    """Raise ParityFailed for an image that is answered otherwise when it is decoded at reduced size."""
    for image in images:
        problem = _problem(image)
        if problem:
            width, height = image.size
            raise ParityFailed(
                f"Decoding {image.name} ({width} x {height} pixels) at reduced size, as serving does with large "
                f"JPEGs, {problem}. The model hangs on details finer than its input: train with resized photos, or "
                "send images of the size that preprocess.size asks for."
            )


def _problem(image: Decoded) -> str:
    if image.levels_mean > MEAN_LEVELS or image.levels_max > MAX_LEVELS:
        return (
            f"changes its input by {image.levels_mean:.2g} levels of 255 on average and {image.levels_max:.3g} at "
            f"most; {MEAN_LEVELS:g} and {MAX_LEVELS:g} are tolerated"
        )
    # Nobody trained for the made photo: there a tie may fall to either side.
    if not image.same_top1 and image.name != MADE_PHOTO:
        return "changes the class that the model answers"
    if not image.answers_apart <= ANSWERS_APART:
        return f"changes the answer by {image.answers_apart:.3g}; {ANSWERS_APART:g} is tolerated"
    return ""


def _jpeg(image: object) -> bytes | None:
    if not isinstance(image, str):
        return None
    try:
        data = base64.b64decode("".join(image.rpartition(",")[2].split()), validate=True)
    except (binascii.Error, ValueError):
        return None  # the smoke test will tell
    return data if data.startswith(JPEG) else None
