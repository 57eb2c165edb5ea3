"""How the image of a request is read: its base64, and its decoding at the size that was proved."""

import base64
import io

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from model_tools.formats.archive import ArchiveManifest
from model_tools.serving.images.image_reader import ImageReader, decode_base64
from model_tools.serving.requests import BadRequest
from model_tools.tensors.imaging import image_to_tensor
from tests.support.serving.archives import IMAGE


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.frombytes("RGB", (800, 600), bytes(range(256)) * 5625).save(buffer, "JPEG")
    return buffer.getvalue()


@pytest.mark.parametrize("reduced", [True, False], ids=["reduced", "in full"])
def test_a_large_jpeg_is_decoded_as_it_was_proved(*, reduced: bool) -> None:
    manifest = ArchiveManifest.model_validate({**IMAGE, "reduced_decoding": reduced})
    data = photo()

    read = ImageReader(manifest, manifest.preprocess, fetch=lambda _: b"").read(
        {"image": base64.b64encode(data).decode()}
    )

    as_proved, otherwise = (image_to_tensor(data, manifest.preprocess, draft=draft) for draft in (reduced, not reduced))
    assert torch.equal(read, as_proved)
    assert not torch.equal(read, otherwise)


@given(st.binary(max_size=40))
def test_base64_is_read_in_both_alphabets_with_and_without_padding(data: bytes) -> None:
    for text in (base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()):
        assert decode_base64(text) == decode_base64(text.rstrip("=")) == data


@pytest.mark.parametrize("text", ["no base64!", "abcde", "ab=cd"])
def test_other_texts_are_no_base64(text: str) -> None:
    with pytest.raises(BadRequest, match="image is not base64"):
        decode_base64(text)
