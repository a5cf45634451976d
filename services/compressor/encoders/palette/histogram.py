"""Which colours a picture has, and how often: a few thousand points stand for millions of pixels.

Opaque pixels are counted with 6 bits a channel, translucent ones with 5 bits a channel and 4 of alpha, grey ones
exactly; all clear pixels are one, whatever colour hides in them. Each bin keeps the mean of its pixels, so little is
lost.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Numbers = NDArray[np.integer[Any]]

_SOLID_BINS = 1 << 18
_SOFT_BINS = 1 << 19
CLEAR_BIN = _SOLID_BINS + _SOFT_BINS
BINS = CLEAR_BIN + 1

_BAND_PIXELS = 1 << 22  # so much is unpacked at a time; the picture itself may be huge


@dataclass(frozen=True, slots=True)
class Histogram:
    """bins: those in use, in ascending order. counts: of their pixels. colours: their means, as RGBA, 0 to 255."""

    bins: Numbers
    counts: NDArray[np.float64]
    colours: NDArray[np.float32]


def histogram(images: Iterable[Image.Image]) -> Histogram:
    """Of pictures in mode L, LA, RGB or RGBA, taken together."""
    counts = np.zeros(BINS)
    sums = np.zeros((4, BINS))
    for pixels, bins in (band for image in images for band in _bands(image)):
        counts += np.bincount(bins, minlength=BINS)
        for channel in range(4):
            sums[channel] += np.bincount(bins, pixels[:, channel], BINS)
    seen = np.flatnonzero(counts)
    return Histogram(seen, counts[seen], (sums[:, seen] / counts[seen]).T.astype(np.float32))


def bins_of(image: Image.Image) -> Iterator[Numbers]:
    """The bin of each pixel, from the top down, some rows at a time."""
    return (bins for _, bins in _bands(image))


def _bands(image: Image.Image) -> Iterator[tuple[NDArray[np.uint8], Numbers]]:
    """Pixels as RGBA, and their bins."""
    binned = _grey_bins if image.mode in ("L", "LA") else _bins
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels = np.asarray(band.convert("RGBA")).reshape(-1, 4)
        yield pixels, binned(pixels)


def _bins(pixels: NDArray[np.uint8]) -> Numbers:
    red, green, blue, alpha = (pixels[:, channel].astype(np.uint32) for channel in range(4))
    solid = (red >> 2) << 12 | (green >> 2) << 6 | blue >> 2
    soft = (red >> 3) << 14 | (green >> 3) << 9 | (blue >> 3) << 4 | alpha >> 4
    return _by_opacity(alpha, solid, soft)


def _grey_bins(pixels: NDArray[np.uint8]) -> Numbers:
    grey, alpha = pixels[:, 0].astype(np.uint32), pixels[:, 3].astype(np.uint32)
    return _by_opacity(alpha, grey, grey << 8 | alpha)


def _by_opacity(alpha: Numbers, solid: Numbers, soft: Numbers) -> Numbers:
    return np.where(alpha == 255, solid, np.where(alpha == 0, np.uint32(CLEAR_BIN), soft + np.uint32(_SOLID_BINS)))
