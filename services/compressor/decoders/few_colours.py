"""Scale a drawing of few colours without adding any: no greys between black and white.

Each pixel takes the colour that covers most of it: the nearest colour of a blend would give edges a third colour. Each
coverage is sharpened, because a line that is thinner than a pixel, or that lies between two, covers less than half of
any. docs/compression.md has figures.
"""

from collections import Counter
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from services.compressor.decoders.pixel_modes import to_basic_mode

MAX_FEW_COLOURS = 16
"""More colours are mostly shades, which are scaled better by blending."""

MAX_COVERAGES = 150_000_000
"""Pixels times colours. Each colour is scaled separately, so that more would take too long."""

_SAMPLED_PIXELS = 500_000
_BAND_PIXELS = 1 << 20
_MAX_TRANSPARENT = 256  # colours that are counted
_MAX_ALONE = 0.03  # text in 12 pixels has below 0.01, a dithered photograph 0.1 and more
_SHARPEN = ImageFilter.UnsharpMask(radius=1, percent=150, threshold=0)

_Packed = NDArray[np.uint32]
"""RGBA colours."""

FewColours = Callable[[], Image.Image]
"""A picture in mode L, LA, RGB or RGBA, computed at the first call."""


def scaled_in_few_colours(image: Image.Image, size: tuple[int, int]) -> FewColours | None:
    """The picture in another size with no other colours than its own; None if it has too many of them."""
    basic = to_basic_mode(image)
    colours = _colours(basic)
    if not 0 < len(colours) <= MAX_FEW_COLOURS or len(colours) * basic.width * basic.height > MAX_COVERAGES:
        return None
    return None if _is_dithered(basic) else cache(lambda: _scaled(basic, colours, size))


def _colours(image: Image.Image) -> _Packed:
    """The rarest first: it takes a pixel that is shared equally. Of two colours with the same number of pixels black
    comes before white, since lines are dark. Empty if there are too many.

    Transparent pixels have one colour: nobody sees several.
    """
    pixels_of: Counter[int] = Counter()
    has_alpha = "A" in image.getbands()
    for pixels, colour in image.getcolors(MAX_FEW_COLOURS + has_alpha * _MAX_TRANSPARENT) or ():
        sample = Image.new(image.mode, (1, 1), colour)
        pixels_of[int(_packed(sample)[0, 0])] += pixels
    return np.array(sorted(pixels_of, key=lambda colour: (pixels_of[colour], colour)), np.uint32)


def _packed(image: Image.Image) -> _Packed:
    """The colour of each pixel; 0 for all transparent ones."""
    pixels = np.asarray(image.convert("RGBA"))
    packed = np.ascontiguousarray(pixels).view(np.uint32)[..., 0]
    return np.where(pixels[..., 3] == 0, np.uint32(0), packed) if "A" in image.getbands() else packed


def _is_dithered(image: Image.Image) -> bool:
    """Whether its dots are meant to blend into shades: many pixels differ from all of their four neighbours.

    Looks at rows from the middle.
    """
    rows = max(3, _SAMPLED_PIXELS // image.width)
    top = max(0, (image.height - rows) // 2)
    packed = _packed(image.crop((0, top, image.width, min(top + rows, image.height))))
    centre = packed[1:-1, 1:-1]
    neighbours = (packed[:-2, 1:-1], packed[2:, 1:-1], packed[1:-1, :-2], packed[1:-1, 2:])
    alone = np.logical_and.reduce([centre != each for each in neighbours])
    return bool(alone.size) and float(alone.mean()) > _MAX_ALONE


def _scaled(image: Image.Image, colours: _Packed, size: tuple[int, int]) -> Image.Image:
    indices = _indices(image, colours)
    most, winner = np.zeros(size[::-1], np.uint8), np.zeros(size[::-1], np.uint8)
    for index in range(len(colours)):
        where = indices.point([255 * (each == index) for each in range(256)])
        coverage = np.asarray(where.resize(size, Image.Resampling.BICUBIC).filter(_SHARPEN))
        wins = coverage > most
        winner[wins], most[wins] = index, coverage[wins]
    scaled = Image.frombytes("P", size, winner.tobytes())
    scaled.putpalette(colours.tobytes(), "RGBA")
    return scaled.convert("RGBA").convert("RGB" if image.mode == "RGBX" else image.mode)


def _indices(image: Image.Image, colours: _Packed) -> Image.Image:
    """The number of each pixel's colour, in mode L."""
    indices = np.zeros((image.height, image.width), np.uint8)
    rows = max(1, _BAND_PIXELS // image.width)  # at a time, since the numbers take four times the bytes
    for top in range(0, image.height, rows):
        packed = _packed(image.crop((0, top, image.width, min(top + rows, image.height))))
        for index, colour in enumerate(colours):
            indices[top : top + rows][packed == colour] = index
    return Image.fromarray(indices)
