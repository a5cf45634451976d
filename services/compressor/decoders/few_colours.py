"""Scale a drawing of few colours without adding any: no greys between black and white.

Each pixel takes the colour that covers most of it: the nearest colour of a blend would give edges a third colour. Each
coverage is sharpened, because a line that is thinner than a pixel, or that lies between two, covers less than half of
any. docs/compression.md has figures.
"""

from collections.abc import Callable, Sequence
from functools import cache, reduce
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from services.compressor.decoders.pixel_modes import to_basic_mode

MAX_FEW_COLOURS = 16
"""More colours are mostly shades, which are scaled better by blending."""

_SAMPLED_PIXELS = 500_000
_MAX_ALONE = 0.03  # text in 12 pixels has below 0.01, a dithered photograph 0.1 and more
_SHARPEN = ImageFilter.UnsharpMask(radius=1, percent=150, threshold=0)

FewColours = Callable[[], Image.Image]
"""A picture in mode L, LA, RGB or RGBA, computed at the first call."""


def scaled_in_few_colours(image: Image.Image, size: tuple[int, int]) -> FewColours | None:
    """The picture in another size with no other colours than its own; None if it has too many of them."""
    basic = to_basic_mode(image)
    basic = basic.convert("RGB") if basic.mode == "RGBX" else basic
    counted = basic.getcolors(MAX_FEW_COLOURS)
    if not counted:
        return None
    # The rarest first: it takes a pixel that is shared equally.
    colours: list[Any] = [colour for _, colour in sorted(counted)]
    return None if _is_dithered(basic) else cache(lambda: _scaled(basic, colours, size))


def _is_dithered(image: Image.Image) -> bool:
    """Whether its dots are meant to blend into shades: many pixels differ from all of their four neighbours.

    Looks at rows from the middle.
    """
    rows = max(3, _SAMPLED_PIXELS // image.width)
    top = max(0, (image.height - rows) // 2)
    pixels = np.asarray(image.crop((0, top, image.width, min(top + rows, image.height))).convert("RGBA"))
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    centre = packed[1:-1, 1:-1]
    neighbours = (packed[:-2, 1:-1], packed[2:, 1:-1], packed[1:-1, :-2], packed[1:-1, 2:])
    alone = np.logical_and.reduce([centre != each for each in neighbours])
    return bool(alone.size) and float(alone.mean()) > _MAX_ALONE


def _scaled(image: Image.Image, colours: Sequence[Any], size: tuple[int, int]) -> Image.Image:
    most, winner = np.zeros(size[::-1], np.uint8), np.zeros(size[::-1], np.uint8)
    for index, colour in enumerate(colours):
        coverage = np.asarray(_where(image, colour).resize(size, Image.Resampling.BICUBIC).filter(_SHARPEN))
        wins = coverage > most
        winner[wins], most[wins] = index, coverage[wins]
    used, indices = np.unique(winner, return_inverse=True)
    scaled = Image.frombytes("P", size, indices.astype(np.uint8).tobytes())
    entries = Image.new(image.mode, (len(used), 1))
    for at, index in enumerate(used.tolist()):
        entries.putpixel((at, 0), colours[index])
    scaled.putpalette(entries.convert("RGBA").tobytes(), "RGBA")
    return scaled.convert("RGBA").convert(image.mode)


def _where(image: Image.Image, colour: float | tuple[int, ...]) -> Image.Image:
    """In mode L: 255 where the image has this colour, else 0."""
    values = colour if isinstance(colour, tuple) else (colour,)
    bands = [
        band.point([255 * (level == value) for level in range(256)])
        for band, value in zip(image.split(), values, strict=True)
    ]
    return reduce(ImageChops.darker, bands)
