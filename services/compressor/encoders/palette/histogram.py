"""A histogram of a picture's colours: a few thousand points represent millions of pixels.

Opaque pixels are counted with 6 bits per channel, translucent ones with 5 bits per channel and 4 bits of alpha, grey
ones exactly. All fully transparent pixels share one bin, whatever their colour. Each bin stores the mean of its pixels,
so little is lost.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Numbers = NDArray[np.integer[Any]]

_OPAQUE_BINS = 1 << 18
_TRANSLUCENT_BINS = 1 << 19
TRANSPARENT_BIN = _OPAQUE_BINS + _TRANSLUCENT_BINS
BINS = TRANSPARENT_BIN + 1

_BAND_PIXELS = 1 << 22  # unpacked at a time, since the picture may be huge


@dataclass(frozen=True, slots=True)
class Histogram:
    """bins: those in use, ascending. counts: their numbers of pixels. colours: their mean colours, RGBA, 0 to 255."""

    bins: Numbers
    counts: NDArray[np.float64]
    colours: NDArray[np.float32]


def histogram_of(images: Iterable[Image.Image]) -> Histogram:
    """One histogram of several pictures in mode L, LA, RGB or RGBA."""
    counts = np.zeros(BINS)
    sums = np.zeros((4, BINS))
    for pixels, bins in (band for image in images for band in _bands(image)):
        counts += np.bincount(bins, minlength=BINS)
        for channel in range(4):
            sums[channel] += np.bincount(bins, pixels[:, channel], BINS)
    used = np.flatnonzero(counts)
    return Histogram(used, counts[used], (sums[:, used] / counts[used]).T.astype(np.float32))


def bins_of(image: Image.Image) -> Iterator[Numbers]:
    """The bin of each pixel, from the top down, in bands of rows."""
    return (bins for _, bins in _bands(image))


def _bands(image: Image.Image) -> Iterator[tuple[NDArray[np.uint8], Numbers]]:
    """Bands of pixels as RGBA, and their bins."""
    binned = _grey_bins if image.mode in ("L", "LA") else _bins
    rows = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels = np.asarray(band.convert("RGBA")).reshape(-1, 4)
        yield pixels, binned(pixels)


def _bins(pixels: NDArray[np.uint8]) -> Numbers:
    red, green, blue, alpha = (pixels[:, channel].astype(np.uint32) for channel in range(4))
    opaque = (red >> 2) << 12 | (green >> 2) << 6 | blue >> 2
    translucent = (red >> 3) << 14 | (green >> 3) << 9 | (blue >> 3) << 4 | alpha >> 4
    return _by_opacity(alpha, opaque, translucent)


def _grey_bins(pixels: NDArray[np.uint8]) -> Numbers:
    grey, alpha = pixels[:, 0].astype(np.uint32), pixels[:, 3].astype(np.uint32)
    return _by_opacity(alpha, grey, grey << 8 | alpha)


def _by_opacity(alpha: Numbers, opaque: Numbers, translucent: Numbers) -> Numbers:
    return np.where(
        alpha == 255, opaque, np.where(alpha == 0, np.uint32(TRANSPARENT_BIN), translucent + np.uint32(_OPAQUE_BINS))
    )
