import io
import struct
import zlib

import pytest
import torch
from PIL import Image

from model_tools.manifest import Preprocess
from model_tools.serving.images import image_to_input
from model_tools.serving.requests import BadRequest


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_levels_are_scaled_and_normalised_channel_by_channel() -> None:
    preprocess = Preprocess(size=(2, 2), mean=[0.5, 0.0, 0.25], std=[0.5, 1.0, 0.25])

    batch = image_to_input(encoded(Image.new("RGB", (2, 2), (255, 51, 0))), preprocess)

    assert batch.shape == (1, 3, 2, 2)
    assert batch.is_contiguous()
    assert torch.allclose(batch[0, :, 0, 0], torch.tensor([1.0, 0.2, -1.0]))


def test_rows_and_columns_stay_where_they_are() -> None:
    image = Image.new("L", (3, 2))
    image.putdata([0, 51, 102, 153, 204, 255])

    batch = image_to_input(encoded(image), Preprocess(size=(2, 3), mode="L"))

    assert torch.allclose(batch[0, 0], torch.tensor([[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]]))


def test_the_shorter_side_is_resized_and_the_centre_cropped() -> None:
    image = Image.new("L", (40, 20), 0)
    image.paste(255, (10, 0, 30, 20))

    batch = image_to_input(encoded(image), Preprocess(size=10, crop=10, mode="L"))

    assert batch.shape == (1, 1, 10, 10)
    assert bool((batch[0, 0, :, 1:9] == 1).all())


def test_an_image_lies_as_its_camera_says() -> None:
    image = Image.new("L", (2, 1))
    image.putdata([0, 255])
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees

    batch = image_to_input(encoded(image, exif=exif), Preprocess(size=(2, 1), mode="L"))

    assert batch[0, 0, :, 0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_usual_mode_is_understood(mode: str) -> None:
    batch = image_to_input(encoded(Image.new(mode, (5, 5))), Preprocess(size=(4, 4)))

    assert batch.shape == (1, 3, 4, 4)


def test_sixteen_bit_levels_are_scaled_and_not_cut_off() -> None:
    batch = image_to_input(encoded(Image.new("I;16", (4, 4), 0x8000)), Preprocess(size=(4, 4), mode="L"))

    assert batch.mean().item() == pytest.approx(0.5, abs=0.01)


def test_cmyk_jpegs_are_understood() -> None:
    assert image_to_input(encoded(Image.new("CMYK", (9, 9)), "JPEG"), Preprocess(size=(4, 4))).shape == (1, 3, 4, 4)


def lying_png(width: int, height: int) -> bytes:
    """Return a PNG whose header promises far more pixels than there are."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "none of"),
        (b"\x89PNG\r\n\x1a\n", "none of"),
        (lying_png(60_000, 60_000), "pixels"),
        (lying_png(900, 900), "cannot be decoded"),
        (encoded(Image.effect_noise((200, 200), 50), "JPEG")[:2000], "cannot be decoded"),
    ],
)
def test_images_that_are_damaged_or_lie_about_their_size_are_refused(data: bytes, told: str) -> None:
    with pytest.raises(BadRequest, match=told):
        image_to_input(data, Preprocess(size=(4, 4)))
