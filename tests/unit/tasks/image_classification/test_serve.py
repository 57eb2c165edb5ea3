import contextlib
import io
import struct
import zlib

import pytest
import torch
from PIL import Image, ImageOps

from model_tools.formats.sections import Preprocess
from model_tools.tensors.image_files import ImageRefused
from model_tools.tensors.imaging import image_to_tensor


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_levels_are_scaled_and_normalised_channel_by_channel() -> None:
    preprocess = Preprocess(size=(2, 2), mean=[0.5, 0.0, 0.25], std=[0.5, 1.0, 0.25])

    batch = image_to_tensor(encoded(Image.new("RGB", (2, 2), (255, 51, 0))), preprocess)

    assert batch.shape == (1, 3, 2, 2)
    assert batch.is_contiguous()
    assert torch.allclose(batch[0, :, 0, 0], torch.tensor([1.0, 0.2, -1.0]))


def test_rows_and_columns_stay_where_they_are() -> None:
    image = Image.new("L", (3, 2))
    image.putdata([0, 51, 102, 153, 204, 255])

    batch = image_to_tensor(encoded(image), Preprocess(size=(2, 3), mode="L"))

    assert torch.allclose(batch[0, 0], torch.tensor([[0.0, 0.2, 0.4], [0.6, 0.8, 1.0]]))


def test_the_shorter_side_is_resized_and_the_centre_cropped() -> None:
    image = Image.new("L", (40, 20), 0)
    image.paste(255, (10, 0, 30, 20))

    batch = image_to_tensor(encoded(image), Preprocess(size=10, crop=10, mode="L"))

    assert batch.shape == (1, 1, 10, 10)
    assert bool((batch[0, 0, :, 1:9] == 1).all())


@pytest.mark.parametrize(
    ("size", "crop", "kept"),
    [
        ((7, 9), (4, 4), (2, 2, 6, 6)),  # halves are rounded to even, as by torchvision: 1.5 and 2.5 to 2
        ((3, 1), (4, 4), (-1, 0, 3, 4)),  # padded: less on the left and above than on the right and below
        ((8, 2), (3, 5), (-1, 2, 4, 5)),
    ],
)
def test_a_centre_crop_takes_and_pads_what_torchvision_does(
    size: tuple[int, int], crop: tuple[int, int], kept: tuple[int, int, int, int]
) -> None:
    height, width = size
    image = Image.new("L", (width, height))
    image.putdata(range(1, width * height + 1))

    batch = image_to_tensor(encoded(image), Preprocess(size=size, crop=crop, mode="L"))

    assert (batch[0, 0] * 255).round().flatten().tolist() == list(image.crop(kept).tobytes())


def test_an_image_lies_as_its_camera_says() -> None:
    image = Image.new("L", (2, 1))
    image.putdata([0, 255])
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees

    batch = image_to_tensor(encoded(image, exif=exif), Preprocess(size=(2, 1), mode="L"))

    assert batch[0, 0, :, 0].tolist() == [0.0, 1.0]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_usual_mode_is_understood(mode: str) -> None:
    batch = image_to_tensor(encoded(Image.new(mode, (5, 5))), Preprocess(size=(4, 4)))

    assert batch.shape == (1, 3, 4, 4)


def test_sixteen_bit_levels_are_scaled_and_not_cut_off() -> None:
    batch = image_to_tensor(encoded(Image.new("I;16", (4, 4), 0x8000)), Preprocess(size=(4, 4), mode="L"))

    assert batch.mean().item() == pytest.approx(0.5, abs=0.01)


def test_cmyk_jpegs_are_understood() -> None:
    assert image_to_tensor(encoded(Image.new("CMYK", (9, 9)), "JPEG"), Preprocess(size=(4, 4))).shape == (1, 3, 4, 4)


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
        pytest.param(b"", "none of", id="empty"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "damaged or cut short", id="signature alone"),
        pytest.param(lying_png(60_000, 60_000), "pixels", id="too many pixels announced"),
        pytest.param(lying_png(900, 900), "cannot be decoded", id="more pixels announced than sent"),
        pytest.param(
            encoded(Image.effect_noise((200, 200), 50), "JPEG")[:2000], "cannot be decoded", id="JPEG cut off"
        ),
    ],
)
def test_images_that_are_damaged_or_lie_about_their_size_are_refused(data: bytes, told: str) -> None:
    with pytest.raises(ImageRefused, match=told):
        image_to_tensor(data, Preprocess(size=(4, 4)))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_each_orientation_is_undone_in_each_format(kind: str, orientation: int) -> None:
    upright = Image.new("L", (60, 40))
    upright.paste(255, (0, 0, 30, 20))  # bright where the upper left is
    exif = Image.Exif()
    exif[0x0112] = orientation
    undoing = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose, what a camera did: the inverse of ours
    stored = upright if orientation == 1 else upright.transpose(Image.Transpose(undoing[orientation]))

    batch = image_to_tensor(encoded(stored.convert("RGB"), kind, exif=exif), Preprocess(size=(20, 30), mode="L"))

    assert batch[0, 0, 5, 7] > 0.9
    assert batch[0, 0, 15, 7] < 0.1
    assert batch[0, 0, 5, 22] < 0.1


@pytest.mark.parametrize(
    ("picture", "side", "most", "mean"),
    [
        pytest.param(Image.linear_gradient("L").rotate(37).resize((1024, 1024)), 64, 10, 0.6, id="large"),
        # Eighths that are not whole: the last column counts as little as it shows.
        pytest.param(Image.linear_gradient("L").resize((49, 49)).rotate(90), 2, 10, 10, id="hardly larger"),
    ],
)
def test_a_large_jpeg_is_decoded_small_and_hardly_differs(
    picture: Image.Image, side: int, most: int, mean: float
) -> None:
    data = encoded(picture, "JPEG", quality=95)
    with Image.open(io.BytesIO(data)) as image:
        whole = image.resize((side, side), Image.Resampling.BILINEAR)
    wanted = torch.tensor(list(whole.tobytes()), dtype=torch.float32).view(side, side) / 255

    batch = image_to_tensor(data, Preprocess(size=(side, side), mode="L"))

    apart = (batch[0, 0] - wanted).abs() * 255
    assert apart.max().item() < most  # along its edges
    assert apart.mean().item() < mean


def test_the_batch_has_the_type_that_the_model_takes() -> None:
    data = encoded(Image.new("L", (4, 4), 255))

    assert image_to_tensor(data, Preprocess(size=(4, 4)), torch.float16).dtype == torch.float16


def test_sixteen_bit_levels_are_scaled_whatever_the_order_of_their_bytes() -> None:
    for mode, level in (("I;16", b"\x00\x80"), ("I;16B", b"\x80\x00")):
        data = encoded(Image.frombytes(mode, (4, 4), level * 16), "TIFF")
        batch = image_to_tensor(data, Preprocess(size=(4, 4), mode="L"))
        assert batch.mean().item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        pytest.param(Image.new("L", (1, 40_000)), "too long and narrow", id="a line"),
        pytest.param(Image.new("F", (4, 4)), "fractions instead of levels", id="fractions"),
    ],
)
def test_images_that_no_model_can_take_are_refused(image: Image.Image, told: str) -> None:
    with pytest.raises(ImageRefused, match=told):
        image_to_tensor(encoded(image, "TIFF"), Preprocess(size=224, crop=224))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_hostile_bytes_are_refused_whatever_the_decoder_raises(kind: str) -> None:
    """Damage at every byte of a small file, in turn: a function error would count against the model."""
    sound = encoded(Image.new("L", (16, 16), 9), kind)
    for position in range(len(sound)):
        for value in (0, 0xFF):
            damaged = bytearray(sound)
            damaged[position] = value
            with contextlib.suppress(ImageRefused):
                image_to_tensor(bytes(damaged), Preprocess(size=(4, 4)))


def test_damaged_exif_does_not_make_an_image_worse() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    sound = encoded(Image.new("RGB", (16, 16), (255, 255, 255)), "WEBP", exif=exif, lossless=True)
    damaged = sound.replace(b"II*\0", b"?!*\0").replace(b"MM\0*", b"?!\0*")
    assert damaged != sound

    assert bool((image_to_tensor(damaged, Preprocess(size=(4, 4))) == 1).all())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("crop", [(5, 4), 3, (30, 9)])
@pytest.mark.parametrize("size", [7, (9, 8)])
def test_what_is_cropped_while_it_is_resized_is_what_a_crop_afterwards_leaves(
    orientation: int, crop: int | tuple[int, int], size: int | tuple[int, int]
) -> None:
    """Step by step as torchvision does it, for each way that an image may lie; a level may be rounded otherwise."""
    picture = Image.effect_noise((33, 24), 80)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(picture, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image)
    width, height = upright.size
    short = min(width, height)
    target = (size[1], size[0]) if isinstance(size, tuple) else (size * width // short, size * height // short)
    crop_height, crop_width = crop if isinstance(crop, tuple) else (crop, crop)
    left, upper = (
        round((have - want) / 2) if have > want else -((want - have) // 2)
        for have, want in zip(target, (crop_width, crop_height), strict=True)
    )
    wanted = upright.resize(target, Image.Resampling.BILINEAR).crop(
        (left, upper, left + crop_width, upper + crop_height)
    )

    batch = image_to_tensor(data, Preprocess(size=size, crop=crop, mode="L"))

    levels = torch.tensor(list(wanted.tobytes())).view(crop_height, crop_width)
    assert (batch[0, 0] * 255 - levels).abs().max().item() < 1.01


def test_without_draft_every_pixel_of_a_jpeg_counts() -> None:
    data = encoded(Image.effect_noise((512, 512), 90), "JPEG", quality=95)
    with Image.open(io.BytesIO(data)) as image:
        whole = image.resize((16, 16), Image.Resampling.BILINEAR)
    preprocess = Preprocess(size=(16, 16), mode="L")

    exact = image_to_tensor(data, preprocess, draft=False)

    assert (exact[0, 0] * 255).round().flatten().tolist() == list(whole.tobytes())
    assert not torch.equal(image_to_tensor(data, preprocess), exact)


def test_a_jpeg_is_never_decoded_smaller_than_twice_what_is_wanted() -> None:
    data = encoded(Image.effect_noise((512, 384), 90), "JPEG", quality=95)

    for size in (97, 192, (100, 256), (260, 130)):
        exact, drafted = (image_to_tensor(data, Preprocess(size=size, mode="L"), draft=each) for each in (False, True))
        assert torch.equal(exact, drafted)
    assert not torch.equal(*(image_to_tensor(data, Preprocess(size=96), draft=each) for each in (False, True)))


def test_channels_last_is_the_same_image_in_another_order_of_memory() -> None:
    data = encoded(Image.effect_noise((20, 30), 90).convert("RGB"))
    preprocess = Preprocess(size=(12, 10), mean=[0.1, 0.2, 0.3], std=[0.4, 0.5, 0.6])

    usual, other = (image_to_tensor(data, preprocess, channels_last=each) for each in (False, True))

    assert torch.equal(usual, other)
    assert usual.is_contiguous()
    assert other.is_contiguous(memory_format=torch.channels_last)


def test_a_photo_that_lies_about_its_type_is_read_as_what_it_is_and_other_files_are_not_read_at_all() -> None:
    """Nobody's word counts but the file's own; formats that nobody needs, and their bugs, stay shut."""
    assert image_to_tensor(encoded(Image.new("L", (4, 4)), "GIF"), Preprocess(size=(4, 4))).shape == (1, 3, 4, 4)
    for kind in ("PPM", "ICO", "PCX", "TGA", "PDF", "EPS"):
        with pytest.raises(ImageRefused, match="none of"):
            image_to_tensor(encoded(Image.new("RGB", (4, 4)), kind), Preprocess(size=(4, 4)))
