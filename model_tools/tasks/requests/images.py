"""Requests that bring an image."""

import base64
import struct
import zlib
from collections.abc import Sequence
from random import Random

from model_tools.formats.manifest import Manifest
from model_tools.formats.requests import IMAGE_FIELDS
from model_tools.formats.sections import InputSpec, Preprocess
from model_tools.tasks.requests.form import RequestForm

FLOATS = ("float32", "float16", "bfloat16", "float64")
SIDE = 32
"""The width and the height of a made-up image, in pixels."""


class ImageRequests(RequestForm):
    """Requests that bring one image, which `preprocess` turns into the model's only input."""

    def fields(self, manifest: Manifest) -> tuple[str, ...]:  # noqa: ARG002 (all forms have this parameter)
        """Return the fields that bring an image."""
        return IMAGE_FIELDS

    def problem(self, manifest: Manifest) -> str | None:
        """Return why the model's input is not [batch, channels, height, width] as preprocessing makes it."""
        return None if manifest.preprocess is None else image_problem(manifest, manifest.preprocess)

    def made_up(self, manifest: Manifest, vocabulary: Sequence[str], chance: Random) -> dict[str, dict[str, object]]:  # noqa: ARG002
        """Return events with a small image, as base64 and as a data URL: the model decodes and answers images."""
        mode = "RGB" if manifest.preprocess is None else manifest.preprocess.mode
        image = base64.b64encode(_png(mode)).decode()
        return {"image": {"image": image}, "image, data URL": {"image": f"data:image/png;base64,{image}"}}


def image_problem(manifest: Manifest, preprocess: Preprocess) -> str | None:
    """Return why the model's inputs do not fit what preprocessing makes; None when they fit."""
    if len(manifest.inputs) != 1 or len(manifest.inputs[0].shape) != 4:  # noqa: PLR2004 (N, C, H, W)
        return (
            "inputs: a model of images has one input of the shape [batch, channels, height, width]: correct inputs, "
            "or publish with task: tensor"
        )
    spec = manifest.inputs[0]
    batch, channels = spec.shape[:2]
    if spec.dtype not in FLOATS:
        return f"inputs.0.dtype: images come as floats from preprocess, not as {spec.dtype}: use float32"
    if not _allows(manifest, batch, 1):
        return f"inputs.0.shape: requests bring one image, the batch is {batch}: write 1 or a name there"
    if channels != preprocess.channels:
        return (
            f"inputs.0.shape: the model takes {channels} channel(s), preprocess makes {preprocess.channels} (mode "
            f"{preprocess.mode}): make them agree; mode L makes 1, RGB makes 3"
        )
    return _size_problem(manifest, spec, preprocess)


def made_size(preprocess: Preprocess) -> tuple[int, int] | None:
    """Return the height and width of a preprocessed image in pixels; None when they depend on the image."""
    size = preprocess.size if preprocess.crop is None else preprocess.crop
    if isinstance(size, tuple):
        return size
    return None if preprocess.crop is None else (size, size)


def _size_problem(manifest: Manifest, spec: InputSpec, preprocess: Preprocess) -> str | None:
    made = made_size(preprocess)
    taken = spec.shape[2:]
    if made is None:
        if all(isinstance(axis, str) for axis in taken):
            return None
        return (
            f"preprocess: size: {preprocess.size} resizes the shorter side only, so height and width depend on the "
            f"image, and the model takes {taken}: add crop, or give size as [height, width]"
        )
    if all(_allows(manifest, axis, size) for axis, size in zip(taken, made, strict=True)):
        return None
    field = "size" if preprocess.crop is None else "crop"
    return f"preprocess.{field} makes images of {list(made)} (height, width), the model takes {taken}: make them agree"


def _allows(manifest: Manifest, axis: int | str, size: int) -> bool:
    if isinstance(axis, int):
        return axis == size
    bounds = manifest.axis_sizes(axis)
    return bounds.min <= size <= bounds.max


def _png(mode: str) -> bytes:
    """Return a gradient as PNG. The format is written by hand, since the packaging process may have no Pillow."""
    channels, colour_type = (1, 0) if mode == "L" else (3, 2)
    rows = b"".join(
        b"\0"
        + bytes((7 * row + 3 * column + 40 * channel) % 256 for column in range(SIDE) for channel in range(channels))
        for row in range(SIDE)
    )
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
