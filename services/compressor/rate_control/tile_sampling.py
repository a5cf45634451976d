"""A small picture made of tiles of a large one, to see how it compresses without compressing all of it."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops

_TILE = 16  # a JPEG's unit with halved chrominance
_RUN = 2  # tiles side by side: what an encoder saves by looking at the neighbour is saved here too
_GOLDEN = 0.618034
_FEW = 24
_DOTS = 2  # a tile is looked at by so many pixels across and down


def tile_sample(image: Image.Image, tiles: int = 160) -> Image.Image:
    """About `tiles` tiles of 16 x 16 pixels, spread evenly: never more than a third of them, nor less than a 96th.

    image: in mode L, RGB or RGBX. One of only a few tiles is its own sample.
    """
    rows, columns = image.height // _TILE, image.width // _TILE
    if rows * columns < _FEW:
        return image
    run = min(_RUN, columns)
    tiles = max(min(tiles, rows * columns // 3), rows * columns // 96)
    runs = columns // run
    count = max(1, tiles // run)
    # One run from each of `count` equal stretches, at a place in it that moves on by the golden ratio.
    places = np.array([int((index + index * _GOLDEN % 1) * rows * runs / count) for index in range(count)])
    # The bright ones beside the bright ones: neighbours are alike in a picture, and where they are not, it costs bytes.
    dots = np.asarray(image.resize((runs, rows), Image.Resampling.NEAREST, box=_whole(runs * run, rows)))
    brightness = (dots[..., 1] if dots.ndim > 2 else dots).ravel()  # green stands for it
    places = places[np.argsort(brightness[places])]
    corners = [(place % runs * run * _TILE, place // runs * _TILE) for place in places.tolist()]
    return _pasted(image, corners, run * _TILE)


def _whole(columns: int, rows: int) -> tuple[int, int, int, int]:
    return 0, 0, columns * _TILE, rows * _TILE


def colourful_tiles(image: Image.Image, tiles: int = 60) -> Image.Image:
    """The whole tiles in which colour varies most, as far as a few of their pixels tell.

    image: in mode RGB or RGBX. One of less than a tile is its own sample.
    """
    rows, columns = image.height // _TILE, image.width // _TILE
    if rows * columns == 0:
        return image
    seen = (0, 0, columns * _TILE, rows * _TILE)
    sparse = image.resize((4 * columns, 4 * rows), Image.Resampling.NEAREST, box=seen).convert("RGB").convert("YCbCr")
    plain = sparse.reduce(4).resize(sparse.size, Image.Resampling.NEAREST)
    variation = (
        np.asarray(ImageChops.difference(sparse, plain).reduce(4))[..., 1:].sum(axis=-1, dtype=np.uint16).ravel()
    )
    places = np.argpartition(variation, -min(tiles, variation.size))[-tiles:].tolist()
    return _pasted(image, [(place % columns * _TILE, place // columns * _TILE) for place in places], _TILE)


def _pasted(image: Image.Image, corners: Sequence[tuple[int, int]], width: int) -> Image.Image:
    """One below the other."""
    stack = Image.new(image.mode, (width, len(corners) * _TILE))
    pixels, target = image.im, stack.im  # below Image.crop and Image.paste, which take longer than the copying
    for index, (left, top) in enumerate(corners):
        part = pixels.crop((left, top, left + width, top + _TILE))
        target.paste(part, (0, index * _TILE, width, (index + 1) * _TILE))
    return stack
