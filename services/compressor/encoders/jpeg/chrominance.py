"""Choose a JPEG's chroma subsampling.

The eye sees colour less sharply than brightness, so half the chrominance resolution is usually enough, and at equal
bytes it leaves more bytes for luminance. The exception is saturated colours that meet at sharp edges, such as red
lettering. The decision compares the loss in the most affected tile with what coarse quantisation loses anyway;
docs/compression.md has figures.
"""

import math

from PIL import Image, ImageChops, ImageStat

from services.compressor.decoders import JpegSource
from services.compressor.rate_control import colourful_tiles

Subsampling = tuple[int, int]
"""Luminance samples per chrominance sample, horizontally and vertically."""

HALVED: Subsampling = (2, 2)

_TILE = 16
# A lookup table for YCbCr: squares of the chrominance, divided by 4 to fit 8 bits; luminance counts as 0.
_SQUARES = [0] * 256 + [min(value * value // 4, 255) for value in range(256)] * 2

# Full resolution is worth its bytes from a quality and a loss on: the source's subsampling, the quality, the loss.
_WORTH_KEEPING = (
    ((1, 1), 60, 12.0),
    ((1, 1), 88, 7.0),
    ((2, 1), 60, 5.5),
)


def subsampling_for(image: Image.Image, source: JpegSource | None, quality: int) -> Subsampling:
    """The subsampling for a JPEG of about this quality.

    image: in mode L, RGB or RGBX. The result is never finer than the source.
    """
    original: Subsampling = source.subsampling if source else (1, 1)
    losses = [loss for has, min_quality, loss in _WORTH_KEEPING if has == original and quality >= min_quality]
    if image.mode == "L" or not losses:
        return HALVED
    return original if chrominance_loss(colourful_tiles(image), original) > min(losses) else HALVED


def chrominance_loss(image: Image.Image, original: Subsampling) -> float:
    """The chrominance that halving loses in the most affected tile: root mean square, 0 to about 45 (of 255).

    original: the source's subsampling.
    """
    if min(image.size) < _TILE:
        return 0.0
    fine = image.convert("RGB").convert("YCbCr")
    coarse = fine.reduce((2 // original[0], 2 // original[1])).resize(fine.size, Image.Resampling.NEAREST)
    squares = ImageChops.difference(fine, coarse).point(_SQUARES).reduce(_TILE)
    return math.sqrt(4 * sum(maximum for _, maximum in ImageStat.Stat(squares).extrema))
