"""How large JPEGs are decoded: at reduced size only where the archive says that it was proved."""

import base64
import io

import pytest
import torch
from PIL import Image

from model_tools.formats.archive import ArchiveManifest
from model_tools.serving.images.image_reader import ImageReader
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
