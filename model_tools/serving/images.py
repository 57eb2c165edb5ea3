"""From an image's bytes to the model's input: decode, resize, crop, scale to 0…1, normalise.

The steps and their rounding are those of torchvision's reference with Pillow (`Resize` bilinear with antialiasing,
`CenterCrop`, `ToTensor`, `Normalize`), done in one pass into one contiguous tensor.
"""

import base64
import binascii
import io
import warnings

import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from model_tools.manifest import Preprocess
from model_tools.serving.requests import BadRequest

MAX_IMAGE_BYTES = 20 << 20
MAX_PIXELS = 64_000_000
"""A 64-megapixel image takes 192 MB as RGB; more is refused before it is decoded."""
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I")


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 text or of a data URL. Raises BadRequest."""
    if text.startswith("data:"):
        header, comma, text = text.partition(",")
        if not comma or not header.endswith(";base64"):
            raise BadRequest("image is a data URL without base64 in it: write data:image/png;base64,…")
    if len(text) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise BadRequest(f"image is larger than {MAX_IMAGE_BYTES:,} bytes.")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"image is not base64 ({error}).") from error


def image_to_input(data: bytes, preprocess: Preprocess) -> torch.Tensor:
    """Return a float32 tensor [1, channels, height, width]. Raises BadRequest for what is no sound image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > MAX_PIXELS:
                    raise BadRequest(
                        f"the image has {image.width} x {image.height} pixels; {MAX_PIXELS:,} are the limit."
                    )
                pixels = _resize(_upright(image, preprocess), preprocess)
    except UnidentifiedImageError as error:
        raise BadRequest(f"the image is none of {', '.join(FORMATS)}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadRequest(f"the image has too many pixels; {MAX_PIXELS:,} are the limit.") from error
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise BadRequest(
            f"the image cannot be decoded ({type(error).__name__}): it is damaged or cut short."
        ) from error
    return _normalise(pixels, preprocess)


def _upright(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    """Decode, turn as EXIF says, and convert to the model's mode."""
    turned = ImageOps.exif_transpose(image)
    if turned.mode in SIXTEEN_BIT:
        turned = turned.point(lambda level: level / 256).convert("L")
    return turned if turned.mode == preprocess.mode else turned.convert(preprocess.mode)


def _target_size(size: tuple[int, int], preprocess: Preprocess) -> tuple[int, int]:
    """Return [width, height] after the resize."""
    if not isinstance(preprocess.size, int):
        height, width = preprocess.size
        return width, height
    width, height = size
    short = min(width, height)
    return max(1, int(preprocess.size * width / short)), max(1, int(preprocess.size * height / short))


def _resize(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    target = _target_size(image.size, preprocess)
    if image.size != target:
        image = image.resize(target, Image.Resampling.BILINEAR)
    if preprocess.crop is None:
        image.load()
        return image
    height, width = (preprocess.crop, preprocess.crop) if isinstance(preprocess.crop, int) else preprocess.crop
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def _normalise(image: Image.Image, preprocess: Preprocess) -> torch.Tensor:
    channels = preprocess.channels
    levels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    planes = (
        levels.view(image.height, image.width, channels)
        .permute(2, 0, 1)
        .to(torch.float32, memory_format=torch.contiguous_format)
    )
    mean = torch.tensor(preprocess.mean or [0.0] * channels).view(-1, 1, 1)
    std = torch.tensor(preprocess.std or [1.0] * channels).view(-1, 1, 1)
    return planes.div_(255).sub_(mean).div_(std).unsqueeze(0).contiguous()
