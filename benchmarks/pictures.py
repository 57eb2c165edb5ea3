"""Photo-like test images, made from a seed: noise whose detail falls off as in photographs, under a subject's pattern.

A picture's kind decides its colours and its pattern; so a net can be taught to tell the kinds apart.
"""

import io
import math

import numpy as np
from PIL import Image

KINDS = 10
PHOTO = (3888, 2592)
"""10 megapixels."""
SMALL = {"224 x 224 PNG": (224, 224), "320 x 240 JPEG": (320, 240), "640 x 480 JPEG": (640, 480)}
OCTAVES = 11
FALLOFF = 0.72
SENSOR_NOISE = 0.02
JPEG_QUALITY = 88


def picture(kind: int, seed: int, size: tuple[int, int]) -> Image.Image:
    """Return an RGB image of the size [width, height]."""
    random = np.random.default_rng([kind, seed])
    width, height = size
    grey = _clouds(random, size)
    x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
    angle, waves = math.pi * (kind % 5) / 5 + random.normal(0, 0.05), 6.0 if kind < KINDS // 2 else 14.0
    grating = np.sin(waves * (x * math.cos(angle) + y * math.sin(angle)) * math.pi + random.uniform(0, 6))
    spot = np.exp(-4 * ((x - random.uniform(-0.4, 0.4)) ** 2 + (y - random.uniform(-0.4, 0.4)) ** 2))
    light = 0.55 * grey + 0.25 * grating * (0.4 + spot)
    light += random.standard_normal(light.shape, dtype=np.float32) * SENSOR_NOISE
    tint = kind % 3 + random.normal(0, 0.4)
    hue = np.cos(tint + np.array([0, 2.1, 4.2], dtype=np.float32))
    colours = 0.5 + light[..., None] * (1 + 0.4 * hue) / 2 + 0.06 * hue * (0.5 + spot[..., None])
    return Image.fromarray((np.clip(colours, 0, 1) * 255).astype(np.uint8))


def encoded(kind: int, seed: int, size: tuple[int, int], name: str = "JPEG") -> bytes:
    """Return a picture as a file of the format."""
    return as_file(picture(kind, seed, size), name)


def as_file(image: Image.Image, name: str = "JPEG", *, quality: int = JPEG_QUALITY) -> bytes:
    """Return an image as a file of the format; PNG has no quality."""
    buffer = io.BytesIO()
    image.save(buffer, name, quality=quality)
    return buffer.getvalue()


def _clouds(random: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Return noise [height, width] around 0, of octaves that each have less amplitude than the one before."""
    total = np.zeros(size[::-1], dtype=np.float32)
    for octave in range(OCTAVES):
        cells = 3 << octave
        if cells > 2 * max(size):
            break
        grid = Image.fromarray(random.normal(0, 1, (cells * size[1] // size[0] + 1, cells)).astype(np.float32))
        total += 0.45 * FALLOFF**octave * np.asarray(grid.resize(size, Image.Resampling.BICUBIC))
    return total
