"""One palette for all frames of an animation, so that what stands still has the same entries in each of them."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.encoders.palette.histogram import CLEAR_BIN, Histogram, histogram
from services.compressor.encoders.palette.reduction import Palette

Indices = NDArray[np.uint8]
Frames = Callable[[], Iterator[Image.Image]]

MAX_COLOURS = 255
"""The last entry is for what is clear or unchanged."""


class FramePalette(Protocol):
    """entries: RGBA, the last one clear."""

    entries: NDArray[np.uint8]

    def indices(self, image: Image.Image) -> Indices: ...


class ExactPalette:
    """Of every colour that there is. Clear pixels are all one."""

    def __init__(self, colours: NDArray[np.uint32]) -> None:
        self._colours = colours
        entries = colours.view(np.uint8).reshape(-1, 4)
        self.entries: NDArray[np.uint8] = np.concatenate((entries, np.zeros((1, 4), dtype=np.uint8)))

    def indices(self, image: Image.Image) -> Indices:
        packed = _packed(image)
        found = np.searchsorted(self._colours, packed).astype(np.uint8)
        found[_is_clear(packed)] = len(self._colours)
        return found.reshape(image.height, image.width)


def exact_palette(frames: Frames) -> ExactPalette | None:
    """None if there are more colours than a palette has entries."""
    colours = np.zeros(0, dtype=np.uint32)
    for image in frames():
        packed = np.unique(_packed(image))
        colours = np.union1d(colours, packed[~_is_clear(packed)])
        if len(colours) > MAX_COLOURS:
            return None
    return ExactPalette(colours)


def histogram_of_frames(frames: Frames) -> Histogram:
    """Of all frames, with a place for clear pixels even if there are none."""
    seen = histogram(frames())
    if len(seen.bins) and seen.bins[-1] == CLEAR_BIN:
        return seen
    return Histogram(
        np.append(seen.bins, CLEAR_BIN),
        np.append(seen.counts, 0.0),
        np.concatenate((seen.colours, np.zeros((1, 4), dtype=np.float32))),
    )


def reduced_palette(seen: Histogram, colours: int) -> Palette:
    """Of at most so many colours, one of them being clear. `seen` is what `seen_in` says."""
    return Palette(seen, colours)


def _packed(image: Image.Image) -> NDArray[np.uint32]:
    return np.frombuffer(image.convert("RGBA").tobytes(), dtype=np.uint32)


def _is_clear(packed: NDArray[np.uint32]) -> NDArray[np.bool_]:
    clear: NDArray[np.bool_] = packed.view(np.uint8)[3::4] == 0
    return clear
