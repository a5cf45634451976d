"""Sample a picture by activity, so that an encoder's size can be predicted at little cost."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_MAX_TILE = 128
_GRID = 16  # aligned with the encoders' blocks, and with the blocks of a JPEG original
_MAX_SAMPLED_PART = 0.3  # with more, encoding the whole picture would cost about the same
_FEW_TILES, _MANY_TILES = 9, 16  # square numbers: the sample is a square of tiles
_LARGE_PIXELS = 2_000_000
_MAX_BORDERS = 1.67  # the model was fitted to tiles down to this size


class ActivitySample(NamedTuple):
    """image: the tiles side by side. borders: tile borders per pixel, relative to 128-pixel tiles, minus 1."""

    image: Image.Image
    borders: float


def activity_sample(image: Image.Image) -> ActivitySample | None:
    """Tiles at equally spaced ranks of activity, from the flattest to the busiest; None if the picture is too small.

    A few large tiles predict better than many small ones: each border between tiles costs bytes that the picture
    itself does not have.
    """
    pixels = image.width * image.height
    count = _MANY_TILES if pixels >= _LARGE_PIXELS else _FEW_TILES
    tile = min(int(math.sqrt(pixels * _MAX_SAMPLED_PART / count)), _MAX_TILE) // _GRID * _GRID
    if not tile:
        return None
    side = math.isqrt(count)
    activity = _activity(image, tile)
    if activity.size < count:
        return None
    ranks = ((np.arange(count) + 0.5) * activity.size / count).astype(int)
    chosen = np.argsort(activity, axis=None, kind="stable")[ranks]
    sample = Image.new(image.mode, (tile * side, tile * side))
    for place, index in enumerate(chosen.tolist()):
        row, column = divmod(index, activity.shape[1])
        box = (column * tile, row * tile, column * tile + tile, row * tile + tile)
        sample.paste(image.crop(box), (place % side * tile, place // side * tile))
    return ActivitySample(sample, min(_MAX_TILE / tile - 1, _MAX_BORDERS))


def _activity(image: Image.Image, tile: int) -> NDArray[np.float32]:
    """The mean logarithm of the differences between neighbouring pixels, for each whole tile."""
    rows = [_row_activity(image, tile, top) for top in range(0, image.height // tile * tile, tile)]
    return np.array(rows, np.float32).reshape(len(rows), image.width // tile)


def _row_activity(image: Image.Image, tile: int, top: int) -> NDArray[np.float32]:
    """One row of tiles at a time, so that a large picture is not copied as a whole."""
    columns = image.width // tile
    strip = image.crop((0, top, columns * tile, top + tile))
    light = np.asarray(strip.getchannel("G") if "G" in strip.getbands() else strip.getchannel(0)).astype(np.int16)
    across, down = np.abs(np.diff(light, axis=1)), np.abs(np.diff(light, axis=0))
    differences = np.zeros(light.shape, np.int16)
    differences[:, 1:] = across
    differences[1:] += down
    logs: NDArray[np.float32] = _LOGS[differences]
    means: NDArray[np.float32] = logs.reshape(tile, columns, tile).mean(axis=(0, 2), dtype=np.float32)
    return means


_LOGS = np.log2(1 + np.arange(511, dtype=np.float32))
