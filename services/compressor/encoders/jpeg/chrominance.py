"""At which resolution a JPEG keeps its colours.

The eye sees colour less sharply than brightness, so half the resolution is enough, and at equal bytes leaves more for
the brightness; except where saturated colours meet at sharp edges, as in red lettering. What halving would take from
the tile that loses most, relative to what coarse quantisation takes anyway, decides; docs/compression.md has figures.
"""

import math

from PIL import Image, ImageChops, ImageStat

from services.compressor.decoders import JpegSource
from services.compressor.rate_control import colourful_tiles

Subsampling = tuple[int, int]

HALVED: Subsampling = (2, 2)
"""How many luminance samples share a chrominance sample, across and down."""

_TILE = 16
_SQUARES = [0] * 256 + [min(value * value // 4, 255) for value in range(256)] * 2  # of chrominance alone, in quarters

# From which quality on a loss is worth its bytes: the source's resolution, the quality, and the loss.
_WORTH_KEEPING = (
    ((1, 1), 60, 12.0),
    ((1, 1), 88, 7.0),
    ((2, 1), 60, 5.5),
)


def subsampling_for(image: Image.Image, source: JpegSource | None, quality: int) -> Subsampling:
    """How many luminance samples share a chrominance sample, across and down, in a JPEG of about this quality.

    image: in mode L, RGB or RGBX. Never finer than the source.
    """
    has: Subsampling = source.subsampling if source else (1, 1)
    worth = [loss for known, least, loss in _WORTH_KEEPING if known == has and quality >= least]
    if image.mode == "L" or not worth:
        return HALVED
    return has if chrominance_loss(colourful_tiles(image), has) > min(worth) else HALVED


def chrominance_loss(image: Image.Image, has: Subsampling) -> float:
    """What halving takes from the chrominance of the tile that loses most: root mean square, 0 to about 45 (of 255).

    has: the resolution that the source has.
    """
    if min(image.size) < _TILE:
        return 0.0
    fine = image.convert("RGB").convert("YCbCr")
    coarse = fine.reduce((2 // has[0], 2 // has[1])).resize(fine.size, Image.Resampling.NEAREST)
    squares = ImageChops.difference(fine, coarse).point(_SQUARES).reduce(_TILE)
    return math.sqrt(4 * sum(most for _, most in ImageStat.Stat(squares).extrema))
