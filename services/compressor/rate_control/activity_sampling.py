"""A small picture made of a large one's parts, so that an encoder can be asked what it needs at little cost."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_LARGEST_TILE = 128
_GRID = 16  # blocks of the encoders, and of a JPEG that the picture may have been
_PART = 0.3  # of the picture at most: with more, encoding it whole would be as cheap
_FEW, _MANY = 9, 16  # tiles: the square of the mosaic's side
_LARGE_PIXELS = 2_000_000
_MAX_BORDERS = 1.67  # no smaller tiles were measured


class ActivitySample(NamedTuple):
    """image: the tiles side by side. borders: how much more of them it has than a mosaic of the largest tiles."""

    image: Image.Image
    borders: float


def activity_sample(image: Image.Image) -> ActivitySample | None:
    """Some of its tiles, from calm to busy in equal steps, so that they stand for all; None if it is too small.

    Fewer and larger tiles were measured to be better than many small ones: each border costs bytes that the picture
    does not take.
    """
    pixels = image.width * image.height
    wanted = _MANY if pixels >= _LARGE_PIXELS else _FEW
    tile = min(int(math.sqrt(pixels * _PART / wanted)), _LARGEST_TILE) // _GRID * _GRID
    if not tile:
        return None
    side = math.isqrt(wanted)
    busy = _activity(image, tile)
    if busy.size < wanted:
        return None
    steps = ((np.arange(wanted) + 0.5) * busy.size / wanted).astype(int)
    chosen = np.argsort(busy, axis=None, kind="stable")[steps]
    sample = Image.new(image.mode, (tile * side, tile * side))
    for place, index in enumerate(chosen.tolist()):
        row, column = divmod(index, busy.shape[1])
        box = (column * tile, row * tile, column * tile + tile, row * tile + tile)
        sample.paste(image.crop(box), (place % side * tile, place // side * tile))
    return ActivitySample(sample, min(_LARGEST_TILE / tile - 1, _MAX_BORDERS))


def _activity(image: Image.Image, tile: int) -> NDArray[np.float32]:
    """How much neighbouring pixels of each whole tile differ: the mean logarithm, as bits go."""
    rows = [_row_activity(image, tile, top) for top in range(0, image.height // tile * tile, tile)]
    return np.array(rows, np.float32).reshape(len(rows), image.width // tile)


def _row_activity(image: Image.Image, tile: int, top: int) -> NDArray[np.float32]:
    """Of one row of tiles, so that a large picture needs no second copy in memory."""
    columns = image.width // tile
    strip = image.crop((0, top, columns * tile, top + tile))
    light = np.asarray(strip.getchannel("G") if "G" in strip.getbands() else strip.getchannel(0)).astype(np.int16)
    across, down = np.abs(np.diff(light, axis=1)), np.abs(np.diff(light, axis=0))
    bits = np.zeros(light.shape, np.int16)
    bits[:, 1:] = across
    bits[1:] += down
    logs: NDArray[np.float32] = _LOGS[bits]
    means: NDArray[np.float32] = logs.reshape(tile, columns, tile).mean(axis=(0, 2), dtype=np.float32)
    return means


_LOGS = np.log2(1 + np.arange(511, dtype=np.float32))
