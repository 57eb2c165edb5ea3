"""Turns an image's bytes into the model's input: decode, resize, crop, scale to 0…1, normalise.

The steps and their rounding are those of torchvision's reference with Pillow (`Resize` bilinear with antialiasing,
`CenterCrop`, `ToTensor`, `Normalize`). Pixels that a later step would throw away are not computed: a large JPEG is
decoded at a fraction of its size, and only the part that the crop keeps is resized. The module needs torch and Pillow,
but no NumPy.
"""

import io
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import torch
from PIL import Image

from model_tools.formats.sections import Preprocess
from model_tools.tensors.image_files import MAX_PIXELS, ImageRefused, opened_image

MAX_INPUT_PIXELS = 16_000_000
"""The largest number of pixels after the resize. A narrow image grows when its shorter side is made long enough."""
DRAFT_MARGIN = 2
"""A large JPEG is decoded at the smallest of 1/8, 1/4 and 1/2 that is still this many times the size needed."""
ORIENTATION = 0x0112
"""The number of the EXIF tag Orientation."""
LEVELS = 255
"""The largest level of an 8-bit channel."""


class Turn(NamedTuple):
    """The change that makes a stored image upright, as its EXIF orientation asks for."""

    transpose: Image.Transpose
    sideways: bool
    """The rows of the stored image are the columns of the upright one."""
    mirror_x: bool
    """The stored image's x axis runs against the upright axis that it lies along."""
    mirror_y: bool
    """The stored image's y axis runs against the upright axis that it lies along."""


TURNS = {
    2: Turn(Image.Transpose.FLIP_LEFT_RIGHT, sideways=False, mirror_x=True, mirror_y=False),
    3: Turn(Image.Transpose.ROTATE_180, sideways=False, mirror_x=True, mirror_y=True),
    4: Turn(Image.Transpose.FLIP_TOP_BOTTOM, sideways=False, mirror_x=False, mirror_y=True),
    5: Turn(Image.Transpose.TRANSPOSE, sideways=True, mirror_x=False, mirror_y=False),
    6: Turn(Image.Transpose.ROTATE_270, sideways=True, mirror_x=False, mirror_y=True),
    7: Turn(Image.Transpose.TRANSVERSE, sideways=True, mirror_x=True, mirror_y=True),
    8: Turn(Image.Transpose.ROTATE_90, sideways=True, mirror_x=True, mirror_y=False),
}
"""The turn for each value of the EXIF tag Orientation; 1 means upright."""

UNSCALED_MODES: Mapping[str, str] = {
    "F": "fractions instead of levels (mode F): save it with 8 or 16 bits a channel",
    "I": "levels of 32 bits (mode I), whose largest is not known: save it with 8 or 16 bits a channel",
    "LAB": "colours as LAB (mode LAB), which are not read: convert it to RGB",
    "HSV": "colours as HSV (mode HSV), which are not read: convert it to RGB",
}
"""The reasons why an image is refused whose levels cannot be read as a share of white, by Pillow's mode."""

Size = tuple[int, int]
"""Width and height in pixels."""
Box = tuple[float, float, float, float]
"""Left, upper, right and lower edge in pixels."""


class Geometry(NamedTuple):
    """The place of the model's input in the image that was sent, after that image was turned upright."""

    image: Size
    """Width and height of the upright image, in its pixels."""
    resized: Size
    """Width and height of the image after the resize, in pixels of the input."""
    left: float
    """The left edge of the crop in the resized image; negative where the image was padded."""
    upper: float
    """The upper edge of the crop in the resized image; negative where the image was padded."""

    def to_image(self, boxes: torch.Tensor) -> torch.Tensor:
        """Return boxes of the input in pixels of the upright image, cut at its edges.

        The boxes that are given and returned are [N, 4]: left, upper, right, lower.
        """
        begin = torch.tensor([self.left, self.upper] * 2)
        scale = torch.tensor([self.image[0] / self.resized[0], self.image[1] / self.resized[1]] * 2)
        edges = torch.tensor([*self.image, *self.image], dtype=torch.float32)
        return ((boxes.float() + begin) * scale).clamp(min=0).minimum(edges)


def image_to_tensor(
    data: bytes,
    preprocess: Preprocess,
    dtype: torch.dtype = torch.float32,
    *,
    draft: bool = True,
    channels_last: bool = False,
) -> torch.Tensor:
    """Return the image as a tensor [1, channels, height, width], contiguous or in channels-last memory format.

    Without `draft`, every pixel of a large JPEG is decoded. Raises ImageRefused for bytes that are no sound image.
    """
    return locate_image(data, preprocess, dtype, draft=draft, channels_last=channels_last)[0]


def locate_image(
    data: bytes,
    preprocess: Preprocess,
    dtype: torch.dtype = torch.float32,
    *,
    draft: bool = True,
    channels_last: bool = False,
) -> tuple[torch.Tensor, Geometry]:
    """Return the tensor that image_to_tensor returns, and its place in the image. Raises ImageRefused."""
    with opened_image(data) as image:
        pixels, geometry = _decode(image, preprocess, draft=draft)
    return _normalise(pixels, preprocess, channels_last=channels_last).to(dtype), geometry


def black_image(preprocess: Preprocess) -> bytes:
    """Return a black PNG of the size that preprocessing resizes to."""
    height, width = (preprocess.size,) * 2 if isinstance(preprocess.size, int) else preprocess.size
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def _decode(image: Image.Image, preprocess: Preprocess, *, draft: bool) -> tuple[Image.Image, Geometry]:
    """Return the decoded image in the model's mode and size, turned as EXIF asks for, and its place.

    The image is turned last, when it is small.
    """
    stored = image.size
    if image.width * image.height > MAX_PIXELS:
        raise ImageRefused(f"the image has {image.width} x {image.height} pixels; {MAX_PIXELS:,} are the limit.")
    drafted = image.draft(None, _least_size(stored, preprocess)) if draft else None
    image.load()
    turn = _turn(image)
    size = stored if drafted else image.size
    upright = size[::-1] if turn and turn.sideways else size
    target = _target_size(upright, preprocess)
    if target[0] * target[1] > MAX_INPUT_PIXELS:
        raise ImageRefused(f"the image is too long and narrow: {size[0]} x {size[1]} pixels.")
    source = drafted[1] if drafted else (0, 0, *image.size)
    crop = _crop_box(target, preprocess)
    pixels = _resize(_in_mode(image, preprocess), source, target, turn, crop)
    return pixels, Geometry(upright, target, crop[0], crop[1])


def _resize(image: Image.Image, source: Box, target: Size, turn: Turn | None, crop: Box) -> Image.Image:
    """Return the crop of an image whose source box was resized to the target and turned upright."""
    left, upper, right, lower = crop
    if left < 0 or upper < 0:  # the crop is larger than the image, so Pillow pads the image with black
        whole = _resize(image, source, target, turn, (0, 0, *target))
        return whole.crop((int(left), int(upper), int(right), int(lower)))
    if turn is not None:
        left, upper, right, lower = _as_stored(crop, target, turn)
        target = target[::-1] if turn.sideways else target
    across, down = (source[2] - source[0]) / target[0], (source[3] - source[1]) / target[1]
    region = (
        source[0] + left * across,
        source[1] + upper * down,
        min(source[0] + right * across, source[2]),  # a rounding error must not lead beyond the image
        min(source[1] + lower * down, source[3]),
    )
    pixels = image.resize((int(right - left), int(lower - upper)), Image.Resampling.BILINEAR, region)
    return pixels if turn is None else pixels.transpose(turn.transpose)


def _as_stored(box: Box, size: Size, turn: Turn) -> Box:
    """Return the box of the stored image that becomes this box of the upright image, which has this size."""
    left, upper, right, lower = box
    width, height = size
    if turn.sideways:
        left, upper, right, lower = upper, left, lower, right
        width, height = height, width
    if turn.mirror_x:
        left, right = width - right, width - left
    if turn.mirror_y:
        upper, lower = height - lower, height - upper
    return left, upper, right, lower


def _turn(image: Image.Image) -> Turn | None:
    """Return the turn that the image's EXIF data ask for; None for an upright image, and where EXIF is damaged."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 (Pillow raises errors of many kinds; the pixels can be sound all the same)
        return None


def _in_mode(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    if image.mode == preprocess.mode:
        return image  # convert() would copy the pixels
    if image.mode in UNSCALED_MODES:
        raise ImageRefused(f"the image holds {UNSCALED_MODES[image.mode]}.")
    if image.mode.startswith("I;16"):
        image = image.convert("I").point(lambda level: level / 256).convert("L")
    return image.convert(preprocess.mode)


def _target_size(size: Size, preprocess: Preprocess) -> Size:
    """Return the size that an upright image of this size is resized to."""
    if not isinstance(preprocess.size, int):
        height, width = preprocess.size
        return width, height
    width, height = size
    short = min(width, height)
    return int(preprocess.size * width / short), int(preprocess.size * height / short)


def _least_size(stored: Size, preprocess: Preprocess) -> Size:
    """Return the smallest size at which the image may be decoded, before its EXIF orientation is known."""
    width, height = _target_size(stored, preprocess)
    if not isinstance(preprocess.size, int):
        width = height = max(width, height)
    return width * DRAFT_MARGIN, height * DRAFT_MARGIN


def _crop_box(size: Size, preprocess: Preprocess) -> Box:
    """Return the box of a resized image that the crop keeps; its corner is negative for an image that is too small."""
    if preprocess.crop is None:
        return 0, 0, *size
    height, width = (preprocess.crop,) * 2 if isinstance(preprocess.crop, int) else preprocess.crop
    left, upper = _crop_from(size[0], width), _crop_from(size[1], height)
    return left, upper, left + width, upper + height


def _crop_from(size: int, wanted: int) -> int:
    return round((size - wanted) / 2) if size > wanted else -((wanted - size) // 2)


def _normalise(image: Image.Image, preprocess: Preprocess, *, channels_last: bool) -> torch.Tensor:
    scale, shift = _scale_and_shift(
        tuple(preprocess.mean or [0.0] * preprocess.channels), tuple(preprocess.std or [1.0] * preprocess.channels)
    )
    levels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    planes = levels.view(1, image.height, image.width, preprocess.channels).permute(0, 3, 1, 2)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    return planes.to(torch.float32, memory_format=memory_format).mul_(scale).add_(shift)


@lru_cache(maxsize=8)
def _scale_and_shift(mean: tuple[float, ...], std: tuple[float, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the factor and the summand by which a level becomes (level / 255 - mean) / std."""
    with torch.inference_mode(mode=False):  # the tensors are cached, and a later caller may need gradients
        means, stds = (torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1) for values in (mean, std))
        return (1 / (LEVELS * stds)).float(), (-means / stds).float()
