"""Opens image files, and says why one cannot be read: damaged is said of damaged bytes alone.

A file is opened by the plugin of Pillow that its first bytes ask for, and by no other, so that the plugin's own error
is seen; `Image.open` would answer every one of them with "cannot identify image file".
"""

import io
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from PIL import Image, ImageFile, JpegImagePlugin

MAX_PIXELS = 64_000_000
"""A 64-megapixel image takes 192 MB as RGB; a larger one is refused before it is decoded."""
SIGNATURES: Mapping[str, tuple[bytes, ...]] = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "WEBP": (b"RIFF????WEBP",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
    "TIFF": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
"""The first bytes of the files that are read, by Pillow's name of their format; `?` stands for any byte."""
FORMATS = tuple(SIGNATURES)
FOREIGN_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"????ftypavi", "AVIF"), (b"????ftyphe", "HEIC"), (b"????ftypmi", "HEIC"), (b"????ftypms", "HEIC"),
    (b"????ftyp", "a film"), (b"\xff\x0a", "JPEG XL"), (b"\0\0\0\x0cJXL ", "JPEG XL"), (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"), (b"%PDF", "PDF"), (b"%!PS", "PostScript"), (b"8BPS", "a Photoshop file"),
    (b"<svg", "SVG"), (b"<?xml", "XML"), (b"<!doctype", "a web page"), (b"<html", "a web page"), (b"PK\3\4", "a zip"),
    (b"\0\0\1\0", "an icon"), (b"\x76\x2f\x31\x01", "OpenEXR"), (b"\x93NUMPY", "a NumPy array"), (b"P?\n", "PNM"),
)  # fmt: skip
"""The first bytes, in lower case where they are letters of a text, of files that people send as images."""
READ_COMPRESSIONS = frozenset(
    {
        "raw", "tiff_ccitt", "group3", "group4", "tiff_lzw", "tiff_jpeg", "jpeg", "tiff_adobe_deflate", "tiff_raw_16",
        "packbits", "tiff_deflate", "lzma", "zstd",
    }
)  # fmt: skip
"""The compressions of a TIFF that Pillow's wheels are built with, by Pillow's names."""
UNSUPPORTED_WORDS = (
    "cannot handle", "unsupported", "not supported", "not yet supported", "not available", "unknown pixel mode",
    "unknown data organization", "samples per pixel", "unknown compression", "unrecognized image mode",
    "bad configuration",
)  # fmt: skip
"""The words, in lower case, by which Pillow says that a sound file is of a kind that it does not read."""
_REMEDY = "save it as RGB with 8 bits a channel"
TEXT_LIMIT_WORDS = ("MAX_TEXT_CHUNK", "MAX_TEXT_MEMORY")
"""The names in Pillow's errors about a PNG with more text or a larger colour profile than it reads."""


class ImageRefused(Exception):
    """The bytes are no usable image; the message tells the sender why."""


@contextmanager
def opened_image(data: bytes) -> Iterator[ImageFile.ImageFile]:
    """Open an image file for decoding. Whatever Pillow raises within becomes an ImageRefused that says why."""
    kind = format_of(data)
    image: ImageFile.ImageFile | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings describe the sender's image, which must not go to the log
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = _plugin(kind)(io.BytesIO(data), "")
            with image:
                yield image
    except ImageRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageRefused(f"the image has too many pixels; {MAX_PIXELS:,} are the limit.") from error
    except Exception as error:  # Pillow's decoders raise errors of many kinds for damaged data
        raise ImageRefused(_reason(error, kind, image)) from error


def format_of(data: bytes) -> str:
    """Return Pillow's name of the format that the first bytes ask for. Raises ImageRefused for any other file."""
    for kind, signatures in SIGNATURES.items():
        if any(_begins(data, signature) for signature in signatures):
            return kind
    known = ", ".join(FORMATS)
    if not data:
        raise ImageRefused(f"the image has no bytes, so it is none of {known}.")
    text = data[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    foreign = next((name for signature, name in FOREIGN_SIGNATURES if _begins(data, signature)), None) or next(
        (name for signature, name in FOREIGN_SIGNATURES if signature.isascii() and _begins(text, signature)), None
    )
    if foreign is None:
        raise ImageRefused(f"the image is none of {known}: save it as one of them.")
    raise ImageRefused(f"the image is {foreign}, which is none of {known}: save it as one of them.")


def _plugin(kind: str) -> Callable[[io.BytesIO, str], Any]:
    """Return the class that reads a format. Raises ImageRefused where Pillow is installed without it."""
    if kind == "JPEG":
        # Pillow's own entry reads a photo with previews (MPO) by another plugin; its first image is the JPEG.
        return JpegImagePlugin.JpegImageFile
    for load in (Image.preinit, Image.init):
        if kind not in Image.OPEN:
            load()
    if kind not in Image.OPEN:
        raise ImageRefused(f"the image is {kind}, which Pillow is installed without here: save it as PNG or JPEG.")
    return Image.OPEN[kind][0]


def _reason(error: Exception, kind: str, image: ImageFile.ImageFile | None) -> str:
    """Return the reason why an image cannot be read, as far as Pillow's error tells it."""
    text = " ".join(str(error).split())[:200]
    compression = str(image.info.get("compression", "raw")) if image is not None and kind == "TIFF" else "raw"
    unknown_compression = kind == "TIFF" and isinstance(error.__cause__, KeyError) and text.isdigit()
    if unknown_compression:
        compression = f"number {text}"
    reasons = (
        (isinstance(error, MemoryError), "the image needs more memory than there is: send it with fewer pixels."),
        (
            any(word in text for word in TEXT_LIMIT_WORDS),
            "the image has more metadata (text or a colour profile) than is read: save it without them.",
        ),
        (
            isinstance(error, ImportError | NotImplementedError),
            f"the image is a {kind} that needs a part of Pillow which is not installed here ({text}): {_REMEDY}.",
        ),
        (
            unknown_compression or compression not in READ_COMPRESSIONS,
            f"the image is a TIFF with a compression that is not read ({compression}): save it uncompressed.",
        ),
        (
            any(word in text.lower() for word in UNSUPPORTED_WORDS),
            f"the image is a {kind} of a kind that is not read ({text}): {_REMEDY}.",
        ),
    )
    damaged = f"the image cannot be decoded ({type(error).__name__}): it is damaged or cut short."
    return next((reason for applies, reason in reasons if applies), damaged)


def _begins(data: bytes, signature: bytes) -> bool:
    """Tell whether data begin with a signature, in which `?` stands for any byte."""
    return len(data) >= len(signature) and all(
        wanted in (ord("?"), found) for wanted, found in zip(signature, data, strict=False)
    )
