"""Reduce a picture to a palette: the lossy step of the formats that have no quality.

Without dithering: at equal bytes more colours look better than dithered ones, see decision 0011.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.encoders.palette.histogram import BINS, CLEAR_BIN, Histogram, bins_of, histogram
from services.compressor.encoders.palette.quantiser import choose, nearest_entries

COLOURS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""The palettes that are tried: each step is about as visible as the next."""


def lowest_colours(image: Image.Image) -> int:
    """The fewest colours that a reduction can make do with: clear, opaque and two soft ones need four."""
    return 4 if "A" in image.getbands() else 2


class Palette:
    """Entries, and which of them each colour of the histogram becomes.

    error: the mean square of what a channel is wrong by.
    """

    def __init__(self, seen: Histogram, colours: int) -> None:
        clear = seen.bins == CLEAR_BIN
        shown = ~clear
        has_clear = bool(clear.any())
        self.entries: NDArray[np.uint8] = np.zeros((0, 4), dtype=np.uint8)
        self.error = 0.0
        self._entry_of_bin = np.zeros(BINS, dtype=np.uint8)
        if shown.any():
            self.entries = choose(seen.colours[shown], seen.counts[shown], colours - has_clear)
            nearest = nearest_entries(seen.colours[shown], self.entries)
            self._entry_of_bin[seen.bins[shown]] = nearest
            self.error = _mean_square(seen.colours[shown], self.entries[nearest], seen.counts[shown])
        if has_clear:
            self._entry_of_bin[CLEAR_BIN] = len(self.entries)
            self.entries = np.concatenate((self.entries, np.zeros((1, 4), dtype=np.uint8)))

    def applied_to(self, image: Image.Image) -> Image.Image:
        """In mode P. All of its colours must have been in the histogram."""
        return palette_image(self.indices(image), self.entries)

    def indices(self, image: Image.Image) -> NDArray[np.uint8]:
        """The entry of each pixel, as rows."""
        found = np.concatenate([self._entry_of_bin[bins] for bins in bins_of(image)])
        return found.reshape(image.height, image.width)


def palette_image(indices: NDArray[np.uint8], entries: NDArray[np.uint8]) -> Image.Image:
    """A picture in mode P whose palette has alpha only if some entry is not opaque."""
    image = Image.frombytes("P", indices.shape[::-1], indices.tobytes())
    if entries[:, 3].min() < 255:
        image.putpalette(entries.tobytes(), "RGBA")
    else:
        image.putpalette(entries[:, :3].tobytes(), "RGB")
    return image


def _mean_square(colours: NDArray[np.float32], entries: NDArray[np.uint8], counts: NDArray[np.float64]) -> float:
    wrong = ((colours[:, :3] - entries[:, :3]) ** 2).mean(axis=1)
    return float((wrong * counts).sum() / counts.sum())


class Reduction:
    """One picture in mode L, LA, RGB or RGBA, to be reduced to several numbers of colours."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._palettes: dict[int, Palette] = {}

    @cached_property
    def _seen(self) -> Histogram:
        return histogram([self._image])

    def palette(self, colours: int) -> Palette:
        """The best for the whole picture."""
        if colours not in self._palettes:
            self._palettes[colours] = Palette(self._seen, colours)
        return self._palettes[colours]

    def to(self, colours: int) -> Image.Image:
        """A palette picture of at most so many colours."""
        return self.palette(colours).applied_to(self._image)


def reduce_colours(image: Image.Image, colours: int) -> Image.Image:
    """A palette picture of at most so many colours, from one in mode L, LA, RGB or RGBA."""
    return Reduction(image).to(colours)
