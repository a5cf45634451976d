"""One palette for all frames of an animation, so that unchanged pixels have the same entry in every frame."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.encoders.palette.histogram import TRANSPARENT_BIN, Histogram, histogram_of
from services.compressor.encoders.palette.reduction import Palette

Indices = NDArray[np.uint8]
Frames = Callable[[], Iterator[Image.Image]]

MAX_COLOURS = 255
"""Visible colours; the last of 256 entries is for transparent or unchanged pixels."""


class FramePalette(Protocol):
    """entries: RGBA, the last one transparent."""

    entries: NDArray[np.uint8]

    def indices(self, image: Image.Image) -> Indices: ...


class ExactPalette:
    """An entry for every colour, and one for all fully transparent pixels."""

    def __init__(self, colours: NDArray[np.uint32]) -> None:
        self._colours = colours
        entries = colours.view(np.uint8).reshape(-1, 4)
        self.entries: NDArray[np.uint8] = np.concatenate((entries, np.zeros((1, 4), dtype=np.uint8)))

    def indices(self, image: Image.Image) -> Indices:
        packed = _packed(image)
        found = np.searchsorted(self._colours, packed).astype(np.uint8)
        found[_is_transparent(packed)] = len(self._colours)
        return found.reshape(image.height, image.width)


def exact_palette(frames: Frames) -> ExactPalette | None:
    """None if there are more colours than a palette has entries."""
    colours = np.zeros(0, dtype=np.uint32)
    for image in frames():
        packed = np.unique(_packed(image))
        colours = np.union1d(colours, packed[~_is_transparent(packed)])
        if len(colours) > MAX_COLOURS:
            return None
    return ExactPalette(colours)


def histogram_of_frames(frames: Frames) -> Histogram:
    """A histogram of all frames, with a bin for transparent pixels even if there are none."""
    histogram = histogram_of(frames())
    if len(histogram.bins) and histogram.bins[-1] == TRANSPARENT_BIN:
        return histogram
    return Histogram(
        np.append(histogram.bins, TRANSPARENT_BIN),
        np.append(histogram.counts, 0.0),
        np.concatenate((histogram.colours, np.zeros((1, 4), dtype=np.float32))),
    )


def reduced_palette(histogram: Histogram, colours: int) -> Palette:
    """A palette of at most `colours` entries, including the transparent one. histogram: from `histogram_of_frames`."""
    return Palette(histogram, colours)


def _packed(image: Image.Image) -> NDArray[np.uint32]:
    return np.frombuffer(image.convert("RGBA").tobytes(), dtype=np.uint32)


def _is_transparent(packed: NDArray[np.uint32]) -> NDArray[np.bool_]:
    transparent: NDArray[np.bool_] = packed.view(np.uint8)[3::4] == 0
    return transparent
