"""Images that cannot be read are refused with the real reason; those that can are read as Pillow converts them."""

import io
import struct
import sys
import zlib

import pytest
import torch
from PIL import Image, PngImagePlugin

from model_tools.formats.sections import Preprocess
from model_tools.tensors.image_files import ImageRefused
from model_tools.tensors.imaging import image_to_tensor

SIZE = (24, 16)


def picture(mode: str) -> Image.Image:
    """Return a picture whose every channel has other levels."""
    colours = Image.merge("RGB", [Image.linear_gradient("L").rotate(angle).resize(SIZE) for angle in (0, 90, 200)])
    if mode == "PA":
        return colours.quantize(8).convert("PA")
    if mode in {"LAB", "HSV"}:
        return Image.frombytes(mode, SIZE, colours.tobytes())
    return colours.quantize(32) if mode == "P" else colours.convert(mode)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def levels(data: bytes, mode: str) -> torch.Tensor:
    """Return what the model is given, in levels from 0 to 255, at the image's own size."""
    batch = image_to_tensor(data, Preprocess(size=SIZE[::-1], mode=mode), draft=False)
    return (batch[0] * 255).round().to(torch.uint8)


def converted(data: bytes, mode: str) -> torch.Tensor:
    """Return what training is given: Pillow's own conversion of the first frame."""
    with Image.open(io.BytesIO(data)) as image:
        pixels = image.convert(mode)
    channels = len(pixels.getbands())
    return torch.frombuffer(bytearray(pixels.tobytes()), dtype=torch.uint8).view(*SIZE[::-1], channels).permute(2, 0, 1)


def transparent() -> bytes:
    return encoded(picture("P"), "PNG", transparency=3)


def animated(kind: str) -> bytes:
    frames = [picture("RGB").rotate(180), picture("RGB")]
    return encoded(
        frames[0], kind, save_all=True, append_images=frames[1:], **({"lossless": True} if kind == "WEBP" else {})
    )


READ = {
    "black and white PNG": encoded(picture("1"), "PNG"),
    "black and white TIFF": encoded(picture("1"), "TIFF", compression="group4"),
    "grey PNG": encoded(picture("L"), "PNG"),
    "grey PNG with transparency": encoded(picture("LA"), "PNG"),
    "palette PNG": encoded(picture("P"), "PNG"),
    "palette PNG with a transparent colour": transparent(),
    "palette TIFF with transparency": encoded(picture("PA"), "TIFF"),
    "PNG with transparency": encoded(picture("RGBA"), "PNG"),
    "WebP with transparency": encoded(picture("RGBA"), "WEBP", lossless=True),
    "CMYK JPEG": encoded(picture("CMYK"), "JPEG"),
    "CMYK TIFF": encoded(picture("CMYK"), "TIFF"),
    "YCbCr TIFF": encoded(picture("YCbCr"), "TIFF"),
    "TIFF by LZW": encoded(picture("RGB"), "TIFF", compression="tiff_lzw"),
    "TIFF by JPEG": encoded(picture("RGB"), "TIFF", compression="jpeg"),
    "TIFF by Zstandard": encoded(picture("RGB"), "TIFF", compression="zstd"),
    "BMP": encoded(picture("RGB"), "BMP"),
    "palette GIF": encoded(picture("P"), "GIF"),
    "GIF of two frames": animated("GIF"),
    "WebP of two frames": animated("WEBP"),
    "PNG of two frames": animated("PNG"),
    "TIFF of two pages": animated("TIFF"),
    "progressive JPEG": encoded(picture("RGB"), "JPEG", progressive=True),
    "photo with a preview": encoded(picture("RGB"), "MPO", save_all=True, append_images=[picture("RGB").rotate(90)]),
}


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("name", READ)
def test_an_image_is_read_as_pillow_converts_its_first_frame(name: str, mode: str) -> None:
    assert torch.equal(levels(READ[name], mode), converted(READ[name], mode))


def test_a_photo_with_a_preview_needs_no_further_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL.MpoImagePlugin", None)
    assert levels(READ["photo with a preview"], "RGB").shape == (3, *SIZE[::-1])


@pytest.mark.parametrize("level", [0, 1, 255, 256, 0x7FFF, 0x80FF, 0xFF00, 0xFFFF])
def test_the_upper_eight_of_sixteen_bits_are_read(level: int) -> None:
    assert levels(encoded(Image.new("I;16", SIZE, level), "PNG"), "L").unique().tolist() == [level >> 8]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(*chunks: bytes) -> bytes:
    sound = READ["grey PNG"]
    after_header = 8 + 25  # the signature and the chunk IHDR
    return sound[:after_header] + b"".join(chunks) + sound[after_header:]


def relabelled(compression: int) -> bytes:
    """Return a TIFF that claims another compression than it has."""
    sound = bytearray(READ["TIFF by LZW"])
    entry = sound.index(struct.pack("<HHII", 259, 3, 1, 5))
    sound[entry : entry + 12] = struct.pack("<HHII", 259, 3, 1, compression)
    return bytes(sound)


def deep_bmp() -> bytes:
    sound = bytearray(READ["BMP"])
    sound[28:30] = struct.pack("<H", 64)
    return bytes(sound)


def twelve_bit_jpeg() -> bytes:
    sound = bytearray(READ["progressive JPEG"])
    frame = sound.index(b"\xff\xc2")
    sound[frame + 4] = 12
    return bytes(sound)


def many_channels() -> bytes:
    sound = bytearray(encoded(picture("RGB"), "TIFF"))
    entry = sound.index(struct.pack("<HHI", 277, 3, 1))
    sound[entry + 8 : entry + 10] = struct.pack("<H", 7)
    return bytes(sound)


NOT_DAMAGED = {
    "LAB": (encoded(picture("LAB"), "TIFF"), r"colours as LAB \(mode LAB\).*convert it to RGB"),
    "fractions": (encoded(picture("F"), "TIFF"), "mode F"),
    "levels of 32 bits": (encoded(picture("I"), "TIFF"), "mode I"),
    "too much text": (
        with_chunks(chunk(b"zTXt", b"note\0\0" + zlib.compress(b" " * (2 << 20)))), "more metadata .*save it without"
    ),
    "too many texts": (
        with_chunks(*[chunk(b"zTXt", b"note\0\0" + zlib.compress(b" " * (1 << 20)))] * 66), "more metadata"
    ),
    "large colour profile": (
        with_chunks(chunk(b"iCCP", b"mine\0\0" + zlib.compress(b" " * (2 << 20)))), "more metadata"
    ),
    "TIFF by WebP": (relabelled(50001), r"a compression that is not read \(webp\)"),
    "TIFF by ThunderScan": (relabelled(32809), r"a compression that is not read \(tiff_thunderscan\)"),
    "TIFF by JPEG 2000": (relabelled(34712), r"a compression that is not read \(number 34712\)"),
    "TIFF of seven channels": (many_channels(), r"TIFF of a kind that is not read \(Invalid value for samples"),
    "BMP of 64 bits": (deep_bmp(), r"BMP of a kind that is not read \(Unsupported BMP pixel depth"),
    "JPEG of twelve bits": (twelve_bit_jpeg(), r"JPEG of a kind that is not read \(cannot handle 12-bit"),
    "AVIF": (encoded(picture("RGB"), "AVIF"), "the image is AVIF, which is none of JPEG, PNG"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "the image is HEIC"),
    "JPEG XL": (b"\xff\x0a\x7f\x00", "the image is JPEG XL"),
    "JPEG 2000": (encoded(picture("RGB"), "JPEG2000"), "the image is JPEG 2000"),
    "web page": (b"\n<!DOCTYPE html><html></html>", "the image is a web page"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "the image is SVG"),
    "PDF": (encoded(picture("RGB"), "PDF"), "the image is PDF"),
    "nothing": (b"", "has no bytes"),
    "text": (b"hello", "none of JPEG"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_DAMAGED)
def test_a_sound_image_that_is_not_read_is_never_called_damaged(name: str) -> None:
    data, told = NOT_DAMAGED[name]
    with pytest.raises(ImageRefused, match=told) as caught:
        levels(data, "RGB")
    assert "damaged" not in str(caught.value)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_part_of_pillow_that_is_not_installed_is_named_as_the_reason(
    mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL.ImageCms", None)
    with pytest.raises(ImageRefused, match="mode LAB"):
        levels(encoded(picture("LAB"), "TIFF"), mode)
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load_prepare", lambda _: __import__("PIL.absent"))
    with pytest.raises(ImageRefused, match=r"PNG that needs a part of Pillow which is not installed here \(No module"):
        levels(READ["grey PNG"], mode)


@pytest.mark.parametrize(
    "name", ["grey PNG", "progressive JPEG", "WebP with transparency", "TIFF by LZW", "palette GIF", "BMP"]
)
@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
def test_what_is_cut_short_is_called_so(name: str, share: float) -> None:
    data = READ[name][: int(len(READ[name]) * share)]
    with pytest.raises(ImageRefused, match="damaged or cut short"):
        levels(data, "RGB")


def test_the_remedy_works() -> None:
    with Image.open(io.BytesIO(NOT_DAMAGED["LAB"][0])) as image:
        assert levels(encoded(image.convert("RGB"), "PNG"), "RGB").shape == (3, *SIZE[::-1])
