"""From an image's bytes to the model's input: decode, resize, crop, scale to 0…1, normalise.

The steps and their rounding are those of torchvision's reference with Pillow (`Resize` bilinear with antialiasing,
`CenterCrop`, `ToTensor`, `Normalize`), done in one pass into one contiguous tensor.
"""

import base64
import binascii
import io
import warnings

import torch
from PIL import Image, UnidentifiedImageError

from model_tools.manifest import Preprocess
from model_tools.serving.requests import BadRequest

MAX_IMAGE_BYTES = 20 << 20
MAX_PIXELS = 64_000_000
"""A 64-megapixel image takes 192 MB as RGB; more is refused before it is decoded."""
MAX_INPUT_PIXELS = 16_000_000
"""After the resize, where a narrow image grows: its shorter side is made as long as the model wants it."""
DRAFT_MARGIN = 3
"""A large JPEG is decoded at a half, a quarter or an eighth of its size, as long as that is three times the size
wanted: the resize then hides the difference [Pillow, reducing_gap]."""
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
"""What undoes each EXIF orientation."""
SIDEWAYS = (TURNS[5], TURNS[6], TURNS[7], TURNS[8])
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


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


def black_image(size: tuple[int, int]) -> bytes:
    """Return a PNG of the size [height, width]."""
    height, width = size
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def image_to_input(data: bytes, preprocess: Preprocess, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Return a tensor [1, channels, height, width]. Raises BadRequest for what is no sound image."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they tell of the caller's image, and would go to the log
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                pixels = _crop(_decode(image, preprocess), preprocess)
    except BadRequest:
        raise
    except UnidentifiedImageError as error:
        raise BadRequest(f"the image is none of {', '.join(FORMATS)}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadRequest(f"the image has too many pixels; {MAX_PIXELS:,} are the limit.") from error
    except Exception as error:  # decoders raise whatever they trip over
        raise BadRequest(
            f"the image cannot be decoded ({type(error).__name__}): it is damaged or cut short."
        ) from error
    return _normalise(pixels, preprocess).to(dtype)


def _decode(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    """Decode an opened image, in the model's mode, at the size that the model wants and as EXIF says it lies.

    It is turned last, when it is small.
    """
    stored = image.size
    if image.width * image.height > MAX_PIXELS:
        raise BadRequest(f"the image has {image.width} x {image.height} pixels; {MAX_PIXELS:,} are the limit.")
    wanted = max(_target_size(stored, preprocess))
    drafted = image.draft(None, (wanted * DRAFT_MARGIN, wanted * DRAFT_MARGIN))
    image.load()
    turn = _turn(image)
    size = stored if drafted else image.size
    target = _target_size(size[::-1] if turn in SIDEWAYS else size, preprocess)
    if target[0] * target[1] > MAX_INPUT_PIXELS:
        raise BadRequest(f"the image is too long and narrow: {size[0]} x {size[1]} pixels.")
    box = drafted[1] if drafted else None
    pixels = _in_mode(image, preprocess).resize(
        target[::-1] if turn in SIDEWAYS else target, Image.Resampling.BILINEAR, box
    )
    return pixels if turn is None else pixels.transpose(turn)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return what undoes the image's EXIF orientation; damaged EXIF says nothing of a sound image."""
    try:
        return TURNS.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 (Pillow raises whatever it trips over)
        return None


def _in_mode(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    if image.mode == "F":
        raise BadRequest("the image holds fractions instead of levels: save it with 8 or 16 bits a channel.")
    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda level: level / 256).convert("L")
    return image.convert(preprocess.mode)


def _target_size(size: tuple[int, int], preprocess: Preprocess) -> tuple[int, int]:
    """Return [width, height] after the resize."""
    if not isinstance(preprocess.size, int):
        height, width = preprocess.size
        return width, height
    width, height = size
    short = min(width, height)
    return int(preprocess.size * width / short), int(preprocess.size * height / short)


def _crop(image: Image.Image, preprocess: Preprocess) -> Image.Image:
    if preprocess.crop is None:
        return image
    height, width = (preprocess.crop, preprocess.crop) if isinstance(preprocess.crop, int) else preprocess.crop
    left, top = _crop_from(image.width, width), _crop_from(image.height, height)
    return image.crop((left, top, left + width, top + height))


def _crop_from(size: int, wanted: int) -> int:
    """Return where a centre crop begins: before the image, which is padded with black, if that is too small."""
    return round((size - wanted) / 2) if size > wanted else -((wanted - size) // 2)


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
