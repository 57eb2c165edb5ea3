"""A sample made up for a model whose folder has none: what any model of its manifest must be able to answer."""

import base64
import math
import random
import struct
import zlib
from collections.abc import Sequence

from model_tools.errors import ManifestInvalid
from model_tools.formats.manifest import Manifest
from model_tools.formats.samples import Sample
from model_tools.formats.sections import InputSpec
from model_tools.packaging.checkpoint.vocabularies import SPECIAL

GENERATED = "generated"
GENERATED_ELEMENTS = 200_000
"""Numbers in a made-up event; as JSON they stay well below what Lambda accepts."""
IMAGE_SIDE = 32
USUAL_TOKENS = 5


def make_up_sample(manifest: Manifest, source: Sequence[str] | None = None) -> Sample:
    """Return a sample, the same each time; `source` is the vocabulary of a model of text.

    Raises ManifestInvalid if it would be large.
    """
    generator = random.Random(0)  # noqa: S311 (the same sample each time, no secret)
    if manifest.preprocess is not None:
        event: dict[str, object] = {"image": base64.b64encode(_png(manifest.preprocess.mode)).decode()}
    elif manifest.text is not None:
        event = {"text": _text(manifest, source or [], generator)}
    else:
        values = _numbers(manifest, generator)
        event = {"input": values[0]} if len(values) == 1 else {"inputs": values}
    return Sample(name=GENERATED, event=event)


def _text(manifest: Manifest, source: Sequence[str], generator: random.Random) -> str:
    """Return a text of usual tokens, as many as the model takes, and no blanks at its ends."""
    tokens = [token for token in source if not SPECIAL.fullmatch(token) and token.strip()]
    if not tokens:
        raise ManifestInvalid("text.source_vocabulary has special tokens only: add the tokens of its texts.")
    axis = manifest.inputs[0].shape[1]
    bounds = manifest.axis_sizes(str(axis))
    count = max(bounds.min, min(bounds.max, USUAL_TOKENS))
    joint = " " if manifest.text is not None and manifest.text.tokens == "words" else ""
    return joint.join(generator.choice(tokens) for _ in range(count))


def _numbers(manifest: Manifest, generator: random.Random) -> list[object]:
    sizes = {
        axis: manifest.axis_sizes(axis).min for spec in manifest.inputs for axis in spec.shape if isinstance(axis, str)
    }
    shapes = [[sizes[axis] if isinstance(axis, str) else axis for axis in spec.shape] for spec in manifest.inputs]
    if sum(math.prod(shape) for shape in shapes) > GENERATED_ELEMENTS:
        raise ManifestInvalid(
            f"inputs: a sample with more than {GENERATED_ELEMENTS:,} numbers is not made up: add one under samples."
        )
    return [_nested(shape, spec, generator) for spec, shape in zip(manifest.inputs, shapes, strict=True)]


def _nested(shape: list[int], spec: InputSpec, generator: random.Random) -> object:
    if shape:
        return [_nested(shape[1:], spec, generator) for _ in range(shape[0])]
    if spec.dtype == "bool":
        return generator.random() < 0.5  # noqa: PLR2004 (a fair coin)
    low, high = spec.range or (0, 1)
    if spec.dtype in ("int64", "int32", "uint8"):
        return generator.randint(math.ceil(low), math.floor(high))
    return round(generator.uniform(low, high) if spec.range else generator.gauss(0, 1), 4)


def _png(mode: str) -> bytes:
    """Return a small image, a gradient, as PNG: enough to see that an image is decoded and answered."""
    channels, colour_type = (1, 0) if mode == "L" else (3, 2)
    rows = b"".join(
        b"\0"
        + bytes(
            (7 * row + 3 * column + 40 * channel) % 256 for column in range(IMAGE_SIDE) for channel in range(channels)
        )
        for row in range(IMAGE_SIDE)
    )
    header = struct.pack(">IIBBBBB", IMAGE_SIDE, IMAGE_SIDE, 8, colour_type, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
