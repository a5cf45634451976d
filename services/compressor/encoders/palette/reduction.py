"""Reduce a picture to a palette: the lossy step of the formats that have no quality setting.

Without dithering: at equal bytes, more colours look better than dithered ones, see decision 0011.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.encoders.palette.histogram import BINS, TRANSPARENT_BIN, Histogram, bins_of, histogram_of
from services.compressor.encoders.palette.quantiser import choose_entries, nearest_entries

COLOURS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""The palette sizes that are tried, at about equal visible steps."""


def lowest_colours(image: Image.Image) -> int:
    """The smallest possible palette: alpha needs a transparent, an opaque and two translucent entries."""
    return 4 if "A" in image.getbands() else 2


class Palette:
    """RGBA entries, and the entry that each colour of a histogram is mapped to.

    error: the mean squared error per channel.
    """

    def __init__(self, histogram: Histogram, colours: int) -> None:
        transparent = histogram.bins == TRANSPARENT_BIN
        visible = ~transparent
        has_transparency = bool(transparent.any())
        self.entries: NDArray[np.uint8] = np.zeros((0, 4), dtype=np.uint8)
        self.error = 0.0
        self._entry_of_bin = np.zeros(BINS, dtype=np.uint8)
        if visible.any():
            self.entries = choose_entries(
                histogram.colours[visible], histogram.counts[visible], colours - has_transparency
            )
            nearest = nearest_entries(histogram.colours[visible], self.entries)
            self._entry_of_bin[histogram.bins[visible]] = nearest
            self.error = _mean_square(histogram.colours[visible], self.entries[nearest], histogram.counts[visible])
        if has_transparency:
            self._entry_of_bin[TRANSPARENT_BIN] = len(self.entries)
            self.entries = np.concatenate((self.entries, np.zeros((1, 4), dtype=np.uint8)))

    def applied_to(self, image: Image.Image) -> Image.Image:
        """The image in mode P. All of its colours must be in the histogram."""
        return palette_image(self.indices(image), self.entries)

    def indices(self, image: Image.Image) -> NDArray[np.uint8]:
        """The entry of each pixel, in rows."""
        found = np.concatenate([self._entry_of_bin[bins] for bins in bins_of(image)])
        return found.reshape(image.height, image.width)


def palette_image(indices: NDArray[np.uint8], entries: NDArray[np.uint8]) -> Image.Image:
    """An image in mode P. Its palette has alpha only if some entry is not opaque."""
    image = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    if entries[:, 3].min() < 255:
        image.putpalette(entries.tobytes(), "RGBA")
    else:
        image.putpalette(entries[:, :3].tobytes(), "RGB")
    return image


def count_colours(image: Image.Image) -> int:
    """The number of colours as a rung: at least 2. image: of few colours."""
    return max(len(image.getcolors(COLOURS[-1]) or ()), COLOURS[0])


def _mean_square(colours: NDArray[np.float32], entries: NDArray[np.uint8], counts: NDArray[np.float64]) -> float:
    errors = ((colours[:, :3] - entries[:, :3]) ** 2).mean(axis=1)
    return float((errors * counts).sum() / counts.sum())


class Reduction:
    """Reduces one picture in mode L, LA, RGB or RGBA to various numbers of colours."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._palettes: dict[int, Palette] = {}

    @cached_property
    def _histogram(self) -> Histogram:
        return histogram_of([self._image])

    def palette(self, colours: int) -> Palette:
        """A palette of at most `colours` entries, chosen for the whole picture."""
        if colours not in self._palettes:
            self._palettes[colours] = Palette(self._histogram, colours)
        return self._palettes[colours]

    def to(self, colours: int) -> Image.Image:
        """The picture in mode P with at most `colours` colours."""
        return self.palette(colours).applied_to(self._image)


def reduce_colours(image: Image.Image, colours: int) -> Image.Image:
    """A picture in mode L, LA, RGB or RGBA, converted to mode P with at most `colours` colours."""
    return Reduction(image).to(colours)
