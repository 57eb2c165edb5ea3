"""Draw photograph-like pictures of one shape: any colours, any turn, uneven light, some clutter."""

import math
import random

from PIL import Image, ImageDraw, ImageFilter

CORNERS = {"triangle": 3, "square": 4, "pentagon": 5}
CLASSES = ("circle", "triangle", "square", "pentagon", "star", "cross")


def draw_picture(shape: str, width: int, height: int, draw: random.Random) -> Image.Image:
    """Return an RGB picture with one shape, wholly inside the square in its middle."""
    picture = _background(width, height, draw)
    canvas = ImageDraw.Draw(picture)
    side = min(width, height)
    for _ in range(draw.randrange(6)):
        _scratch(canvas, width, height, draw)
    radius = side * draw.uniform(0.2, 0.36)
    reach = side / 2 * 0.85 - radius
    middle = (width / 2 + draw.uniform(-reach, reach), height / 2 + draw.uniform(-reach, reach))
    outline = _outline(shape, middle, radius, draw.uniform(0, 2 * math.pi))
    colour = _unlike(picture.getpixel((int(middle[0]), int(middle[1]))), draw)
    canvas.polygon(outline, fill=colour)
    return picture.filter(ImageFilter.GaussianBlur(side * draw.uniform(0.001, 0.006)))


def _outline(shape: str, middle: tuple[float, float], radius: float, turn: float) -> list[tuple[float, float]]:
    if shape == "circle":
        polar = [(1.0, 2 * math.pi * step / 72) for step in range(72)]
    elif shape == "star":
        polar = [(1.0 if step % 2 == 0 else 0.42, math.pi * step / 5) for step in range(10)]
    elif shape == "cross":
        half = math.atan2(0.3, 1.0)
        arm = [(1.0, -half), (1.0, half), (0.41, math.pi / 4)]
        polar = [(distance, angle + quarter * math.pi / 2) for quarter in range(4) for distance, angle in arm]
    else:
        polar = [(1.0, 2 * math.pi * step / CORNERS[shape]) for step in range(CORNERS[shape])]
    return [
        (middle[0] + radius * distance * math.cos(angle + turn), middle[1] + radius * distance * math.sin(angle + turn))
        for distance, angle in polar
    ]


def _background(width: int, height: int, draw: random.Random) -> Image.Image:
    """Return a smooth play of colours, as of a wall in uneven light."""
    tiny = Image.new("RGB", (3, 3))
    base = [draw.randrange(30, 226) for _ in range(3)]
    tiny.putdata([tuple(level + draw.randint(-30, 30) for level in base) for _ in range(9)])
    return tiny.resize((width, height), Image.Resampling.BICUBIC)


def _scratch(canvas: ImageDraw.ImageDraw, width: int, height: int, draw: random.Random) -> None:
    ends = [(draw.uniform(0, width), draw.uniform(0, height)) for _ in range(2)]
    canvas.line(ends, fill=_any_colour(draw), width=max(1, round(min(width, height) * draw.uniform(0.003, 0.01))))


def _any_colour(draw: random.Random) -> tuple[int, int, int]:
    return draw.randrange(256), draw.randrange(256), draw.randrange(256)


def _unlike(other: tuple[int, int, int], draw: random.Random) -> tuple[int, int, int]:
    while True:
        colour = _any_colour(draw)
        if sum(abs(mine - its) for mine, its in zip(colour, other, strict=True)) > 150:  # noqa: PLR2004 (of 765)
            return colour
