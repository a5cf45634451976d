"""Measure what halved chrominance resolution would lose of a picture.

The eye sees colour less sharply than brightness, so half the resolution is usually enough. The exception is saturated
colours that meet at sharp edges, such as red lettering. docs/compression.md has figures.
"""

import math

from PIL import Image, ImageChops, ImageStat

from services.compressor.decoders import JpegSource, flatten_on_white
from services.compressor.rate_control import colourful_tiles

Subsampling = tuple[int, int]
"""Luminance samples per chrominance sample, horizontally and vertically."""

FULL: Subsampling = (1, 1)
HALVED: Subsampling = (2, 2)

_TILE = 16
# A lookup table for YCbCr: squares of the chrominance, divided by 4 to fit 8 bits; luminance counts as 0.
_SQUARES = [0] * 256 + [min(value * value // 4, 255) for value in range(256)] * 2


def finest_subsampling(source: JpegSource | None) -> Subsampling:
    """That of the source, at most halved in each direction; full resolution if the source is not a JPEG."""
    if source is None:
        return FULL
    across, down = source.subsampling
    return min(across, 2), min(down, 2)


def chrominance_loss(image: Image.Image, original: Subsampling) -> float:
    """The chrominance that halving loses in the most affected tile: root mean square, 0 to about 45 (of 255).

    image: in mode RGB, RGBX or RGBA. original: the picture's subsampling.
    """
    if min(image.size) < _TILE:
        return 0.0
    fine = flatten_on_white(colourful_tiles(image)).convert("RGB").convert("YCbCr")
    coarse = fine.reduce((2 // original[0], 2 // original[1])).resize(fine.size, Image.Resampling.NEAREST)
    squares = ImageChops.difference(fine, coarse).point(_SQUARES).reduce(_TILE)
    return math.sqrt(4 * sum(maximum for _, maximum in ImageStat.Stat(squares).extrema))
