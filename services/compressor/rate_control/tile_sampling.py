"""Build a small picture from tiles of a large one, to measure how it compresses without encoding all of it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops

_TILE = 16  # a JPEG's minimum coded unit with halved chrominance
_RUN = 2  # adjacent tiles: keeps what an encoder saves by predicting a block from its neighbour
_GOLDEN_RATIO = 0.618034
_MIN_TILES = 24


def tile_sample(image: Image.Image, tiles: int = 160) -> Image.Image:
    """About `tiles` evenly spread tiles of 16 x 16 pixels: at most a third of all tiles and at least a 96th.

    image: in mode L, RGB or RGBX. A picture with very few tiles is returned whole.
    """
    rows, columns = image.height // _TILE, image.width // _TILE
    if rows * columns < _MIN_TILES:
        return image
    run = min(_RUN, columns)
    tiles = max(min(tiles, rows * columns // 3), rows * columns // 96)
    runs = columns // run
    count = max(1, tiles // run)
    # One run from each of `count` equal stretches; its place within the stretch advances by the golden ratio.
    places = np.array([int((index + index * _GOLDEN_RATIO % 1) * rows * runs / count) for index in range(count)])
    # Sorted by brightness: neighbours in a picture are alike, and a jump between tiles would cost bytes.
    dots = np.asarray(image.resize((runs, rows), Image.Resampling.NEAREST, box=_tiled_area(runs * run, rows)))
    brightness = (dots[..., 1] if dots.ndim > 2 else dots).ravel()  # green approximates it
    places = places[np.argsort(brightness[places])]
    corners = [(place % runs * run * _TILE, place // runs * _TILE) for place in places.tolist()]
    return _stacked(image, corners, run * _TILE)


def colourful_tiles(image: Image.Image, tiles: int = 60) -> Image.Image:
    """The tiles in which colour varies most, judged by 4 x 4 pixels of each.

    image: in mode RGB or RGBX. A picture smaller than a tile is returned whole.
    """
    rows, columns = image.height // _TILE, image.width // _TILE
    if rows * columns == 0:
        return image
    area = _tiled_area(columns, rows)
    sparse = image.resize((4 * columns, 4 * rows), Image.Resampling.NEAREST, box=area).convert("RGB").convert("YCbCr")
    means = sparse.reduce(4).resize(sparse.size, Image.Resampling.NEAREST)
    variation = (
        np.asarray(ImageChops.difference(sparse, means).reduce(4))[..., 1:].sum(axis=-1, dtype=np.uint16).ravel()
    )
    places = np.argpartition(variation, -min(tiles, variation.size))[-tiles:].tolist()
    return _stacked(image, [(place % columns * _TILE, place // columns * _TILE) for place in places], _TILE)


def _tiled_area(columns: int, rows: int) -> tuple[int, int, int, int]:
    """The box of this many whole tiles."""
    return 0, 0, columns * _TILE, rows * _TILE


def _stacked(image: Image.Image, corners: Sequence[tuple[int, int]], width: int) -> Image.Image:
    """The parts at these corners, one below the other."""
    stack = Image.new(image.mode, (width, len(corners) * _TILE))
    pixels, target = image.im, stack.im  # Image.crop and Image.paste take longer than the copying itself
    for index, (left, top) in enumerate(corners):
        part = pixels.crop((left, top, left + width, top + _TILE))
        target.paste(part, (0, index * _TILE, width, (index + 1) * _TILE))
    return stack
