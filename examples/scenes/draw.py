"""Draw scenes: one to four shapes of any colour on an uneven background, none of them hiding another."""

import math
import random
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter

CLASSES = ("circle", "square", "triangle")
MAX_OBJECTS = 4


class Drawn(NamedTuple):
    """An object of a scene: the number of its class, and its box as fractions of the picture's sides."""

    label: int
    box: tuple[float, float, float, float]


def draw_scene(width: int, height: int, draw: random.Random) -> tuple[Image.Image, list[Drawn]]:
    """Return an RGB picture and what is in it."""
    tiny = Image.new("RGB", (4, 3))
    base = [draw.randrange(40, 216) for _ in range(3)]
    tiny.putdata([tuple(level + draw.randint(-25, 25) for level in base) for _ in range(12)])
    picture = tiny.resize((width, height), Image.Resampling.BICUBIC)
    canvas = ImageDraw.Draw(picture)
    objects: list[Drawn] = []
    for _ in range(draw.randint(1, MAX_OBJECTS)):
        label = draw.randrange(len(CLASSES))
        radius = min(width, height) * draw.uniform(0.08, 0.19)
        middle = draw.uniform(radius, width - radius), draw.uniform(radius, height - radius)
        outline = _outline(CLASSES[label], middle, radius, draw)
        xs, ys = zip(*outline, strict=True)
        box = (min(xs) / width, min(ys) / height, max(xs) / width, max(ys) / height)
        if any(_touch(box, other.box) for other in objects):
            continue
        canvas.polygon(outline, fill=_unlike(base, draw))
        objects.append(Drawn(label, box))
    return picture.filter(ImageFilter.GaussianBlur(min(width, height) * draw.uniform(0.001, 0.004))), objects


def _outline(shape: str, middle: tuple[float, float], radius: float, draw: random.Random) -> list[tuple[float, float]]:
    corners = {"circle": 60, "square": 4, "triangle": 3}[shape]
    turn = draw.uniform(0, 2 * math.pi)
    angles = [turn + 2 * math.pi * corner / corners for corner in range(corners)]
    return [(middle[0] + radius * math.cos(angle), middle[1] + radius * math.sin(angle)) for angle in angles]


def _touch(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _unlike(base: list[int], draw: random.Random) -> tuple[int, ...]:
    while True:
        colour = tuple(draw.randrange(256) for _ in range(3))
        if sum(abs(mine - its) for mine, its in zip(colour, base, strict=True)) > 200:  # noqa: PLR2004 (of 765)
            return colour
