"""Reads the image that a request brings as base64 or by its URL."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import torch

from model_tools.formats.archive import ArchiveManifest
from model_tools.formats.requests import IMAGE_FIELDS
from model_tools.formats.sections import Preprocess
from model_tools.serving.images.image_source import MAX_IMAGE_BYTES
from model_tools.serving.requests import BadRequest
from model_tools.serving.task import Fetch
from model_tools.tensors.dtypes import DTYPES
from model_tools.tensors.image_files import ImageRefused
from model_tools.tensors.imaging import Geometry, black_image, locate_image

URL_SAFE = str.maketrans("-_", "+/")
"""The two characters that stand for others in base64 for URLs and file names (RFC 4648, section 5).

Texts in that alphabet often lack the padding at their end.
"""


class ImageReader:
    """Reads a request's image and preprocesses it as the manifest says."""

    def __init__(self, manifest: ArchiveManifest, preprocess: Preprocess, fetch: Fetch) -> None:
        self._preprocess = preprocess
        self._dtype = DTYPES[manifest.inputs[0].dtype]
        self._channels_last = manifest.channels_last
        self._reduced_decoding = manifest.reduced_decoding
        self._fetch = fetch

    def read(self, request: Mapping[str, Any]) -> torch.Tensor:
        """Return the image of a request as a tensor [1, channels, height, width]. Raises BadRequest."""
        return self.locate(request)[0]

    def locate(self, request: Mapping[str, Any]) -> tuple[torch.Tensor, Geometry]:
        """Return the tensor that `read` returns, and its place in the image that was sent. Raises BadRequest."""
        given = [name for name in IMAGE_FIELDS if request.get(name) is not None]
        if len(given) != 1:
            raise BadRequest("give one of image (base64 or a data URL), url and input_url.")
        (name,) = given
        value = request[name]
        if not isinstance(value, str):
            raise BadRequest(f"{name} must be a string.")
        return self._located(decode_base64(value) if name == "image" else self._fetch(value))

    def to_tensor(self, data: bytes) -> torch.Tensor:
        """Return an image file's bytes as a tensor [1, channels, height, width]. Raises BadRequest."""
        return self._located(data)[0]

    def _located(self, data: bytes) -> tuple[torch.Tensor, Geometry]:
        try:
            return locate_image(
                data, self._preprocess, self._dtype, draft=self._reduced_decoding, channels_last=self._channels_last
            )
        except ImageRefused as error:
            raise BadRequest(str(error)) from error

    def example(self) -> tuple[torch.Tensor, Geometry]:
        """Return a black image as a tensor, and its place, as `locate` returns them."""
        return self._located(black_image(self._preprocess))


def decode_base64(text: str) -> bytes:
    """Return the bytes that a text in either alphabet of base64, or a data URL, holds. Raises BadRequest."""
    if text.startswith("data:"):
        header, comma, text = text.partition(",")
        if not comma or not header.endswith(";base64"):
            raise BadRequest("image is a data URL without base64 in it: write data:image/png;base64,…")
    if len(text) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise BadRequest(f"image is larger than {MAX_IMAGE_BYTES:,} bytes.")
    try:
        digits = "".join(text.split()).translate(URL_SAFE)
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest(f"image is not base64 ({error}).") from error
