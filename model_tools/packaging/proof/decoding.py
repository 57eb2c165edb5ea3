"""Judges whether images decoded at reduced size are answered as those decoded in full. Pure.

Serving decodes a large JPEG at a half, a quarter or an eighth of its size (model_tools.tensors.imaging). This is
several times faster and changes pixels a little, so each model is proved to give nearly the same answers.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence

from model_tools.errors import ParityFailed
from model_tools.formats.requests import BATCH_FIELD
from model_tools.formats.samples import Sample
from model_tools.packaging.proof.messages import DecodingDifference

MADE_PHOTO = "a made photo"
"""The name of the synthetic photo that is decoded besides the samples' images."""
JPEG = b"\xff\xd8\xff"
"""The first bytes of a JPEG, the only format that can be decoded at reduced size."""
MAX_IMAGES = 50
"""The largest number of samples' images that are decoded."""
MEAN_LEVELS = 2.0
"""The largest mean difference of the model's input, in levels of 255."""
MAX_LEVELS = 48.0
"""The largest difference of a single pixel, in levels of 255; on a sharp edge it is far above the mean."""
ANSWERS_APART = 0.05
"""The largest difference of a classifier's confidence, or of another value as a share of its scale."""


def sample_images(samples: Sequence[Sample]) -> Iterator[tuple[str, bytes]]:
    """Yield the JPEGs that samples hold as base64, each with its sample's name."""
    count = 0
    for sample in samples:
        for event in sample.event.get(BATCH_FIELD, [sample.event]):
            image = _jpeg(event.get("image")) if isinstance(event, Mapping) else None
            if image is not None and count < MAX_IMAGES:
                count += 1
                yield sample.name, image


def refuse_decoding(images: Sequence[DecodingDifference]) -> None:
    """Raise ParityFailed if the model answers an image differently when it is decoded at reduced size."""
    for image in images:
        problem = _problem(image)
        if problem:
            width, height = image.size
            raise ParityFailed(
                f"Decoding {image.name} ({width} x {height} pixels) at reduced size, as serving does with large "
                f"JPEGs, {problem}. The model hangs on details finer than its input: train with resized photos, or "
                "send images of the size that preprocess.size asks for."
            )


def _problem(image: DecodingDifference) -> str:
    if image.levels_mean > MEAN_LEVELS or image.levels_max > MAX_LEVELS:
        return (
            f"changes its input by {image.levels_mean:.2g} levels of 255 on average and {image.levels_max:.3g} at "
            f"most; {MEAN_LEVELS:g} and {MAX_LEVELS:g} are tolerated"
        )
    # The model was not trained for the synthetic photo, so its likeliest class there may change by mere chance.
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
        return None  # the smoke test will refuse the sample
    return data if data.startswith(JPEG) else None
