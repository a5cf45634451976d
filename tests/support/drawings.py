"""Drawings of few colours, made by code."""

import random

import numpy as np
from PIL import Image, ImageDraw

SIZE = (600, 450)
PAPER, INK, RED, YELLOW = (255, 255, 255), (20, 60, 160), (220, 30, 40), (250, 220, 90)


def line_art(ink: int = 0, paper: int = 255) -> Image.Image:
    """Lines and circles, most of them one pixel wide, and text. In mode 1."""
    picture = Image.new("L", SIZE, paper)
    draw, numbers = ImageDraw.Draw(picture), random.Random(2)  # noqa: S311
    draw.fontmode = "1"
    for at in range(60):
        x, y, right, down = (numbers.randrange(*bounds) for bounds in ((0, 480), (0, 330), (20, 120), (20, 120)))
        box, width = (x, y, x + right, y + down), (1, 1, 2)[at % 3]
        if at % 4 == 0:
            draw.rectangle(box, outline=ink, width=width)
        elif at % 4 == 1:
            draw.ellipse(box, outline=ink, width=width)
        elif at % 4 == 2:
            draw.line(box, fill=ink, width=width)
        else:
            draw.text((x, y), f"{right} x {down} mm", fill=ink)
    return picture.convert("1", dither=Image.Dither.NONE)


def poster() -> Image.Image:
    """Areas, lines and text in four colours. In mode P."""
    picture = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(picture)
    draw.fontmode = "1"
    draw.rectangle((60, 60, 260, 200), fill=RED)
    draw.ellipse((300, 150, 560, 420), fill=YELLOW)
    for at in range(14):
        draw.line((0, at * 32, SIZE[0], at * 32 + 11), fill=INK)
        draw.text((80 + 11 * at, 70 + 24 * at), f"{at} per cent off", fill=(PAPER, INK, RED, YELLOW)[at % 4])
    return picture.quantize(4, dither=Image.Dither.NONE)


def halftone() -> Image.Image:
    """A dithered gradient. In mode 1."""
    shades = np.add.outer(np.linspace(20, 120, SIZE[1]), np.linspace(0, 110, SIZE[0]))
    return Image.fromarray(shades.astype(np.uint8)).convert("1")
