"""How much two pictures differ for the eye: CIEDE2000 over white and over black, over the picture and by tile."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

Pixels = NDArray[np.uint8]
"""Rows, columns, and red, green, blue and alpha in sRGB; colours are not multiplied by alpha."""

TILE = 16
MOST_TILES = 1024
_SMALL = 32


@dataclass(frozen=True, slots=True)
class Difference:
    """CIEDE2000: 1 is just noticeable side by side, above 5 is another colour.

    mean, p99: over the pixels (the mean, and what 99 % of them stay below).
    worst_tile: the mean of the tile of 16 x 16 pixels that differs most.
    shift: the difference of the average colours of the tile where it is largest; noise and blur do not count.
    alpha: the mean difference of the opacity, of 1.
    """

    mean: float
    p99: float
    worst_tile: float
    shift: float
    alpha: float


def compare(original: Pixels, result: Pixels) -> Difference:
    """Of two pictures in RGBA. The original is scaled to the result's size. Of large ones, evenly spread tiles."""
    transparent = original[..., 3].min() < 255 or result[..., 3].min() < 255
    alpha = (
        float(np.abs(_opacity(original, result.shape) - _opacity(result, result.shape)).mean()) if transparent else 0
    )
    each = [_coloured(original, result, backdrop) for backdrop in ((255, 0) if transparent else (255,))]
    mean, p99, worst_tile, shift = (round(float(figure), 3) for figure in np.max(np.asarray(each), axis=0))
    return Difference(mean, p99, worst_tile, shift, round(float(alpha), 4))


def turned(original: Pixels, result: Pixels) -> bool:
    """Whether the result looks like the original turned or mirrored, and not like the original as it is."""
    small = [
        _resized(_over(_thin(picture), 255), (_SMALL, _SMALL)).astype(np.float64) for picture in (original, result)
    ]
    turns: list[Callable[[NDArray[np.float64]], NDArray[np.float64]]] = [
        lambda p: p,
        np.fliplr,
        np.flipud,
        np.rot90,
        lambda p: np.rot90(p, 2),
        lambda p: np.rot90(p, 3),
        lambda p: p.transpose(1, 0, 2),
        lambda p: np.rot90(p, 2).transpose(1, 0, 2),
    ]
    upright, *others = (float(np.abs(turn(small[0]) - small[1]).mean()) for turn in turns)
    return upright > 6 and min(others) < upright / 3


def _opacity(picture: Pixels, shape: tuple[int, ...]) -> NDArray[np.float64]:
    alpha = np.asarray(Image.fromarray(picture[..., 3]).resize((shape[1], shape[0]), Image.Resampling.BOX))
    return alpha.astype(np.float64) / 255


def _coloured(original: Pixels, result: Pixels, backdrop: int) -> tuple[float, float, float, float]:
    size = result.shape[1], result.shape[0]
    first, second = (_tiles(_resized(_over(picture, backdrop), size)) for picture in (original, result))
    labs = [rgb2lab(tiles) for tiles in (first, second)]
    pixels = deltaE_ciede2000(*labs)  # type: ignore[no-untyped-call]  # scikit-image has no types here
    # Colours are averaged as a screen mixes them: in proportion to their light.
    averages = [rgb2lab(_encoded(_linear(tiles).mean(axis=1, keepdims=True))) for tiles in (first, second)]
    shifts = deltaE_ciede2000(*averages)  # type: ignore[no-untyped-call]
    return pixels.mean(), np.percentile(pixels, 99), pixels.mean(axis=1).max(), shifts.max()


def _tiles(picture: Pixels) -> NDArray[np.float64]:
    """Tiles, their pixels, and three channels from 0 to 1. A picture that is smaller than a tile is one tile."""
    down, across = (max(side // TILE, 1) for side in picture.shape[:2])
    height, width = (min(side, TILE) for side in picture.shape[:2])
    picture = picture[: down * height, : across * width]
    tiles = picture.reshape(down, height, across, width, 3).swapaxes(1, 2).reshape(down * across, height * width, 3)
    step = -(-len(tiles) // MOST_TILES)
    return tiles[::step].astype(np.float64) / 255


def _thin(picture: Pixels) -> Pixels:
    """Only as many rows and columns as a small picture needs."""
    down, across = (max(side // (8 * _SMALL), 1) for side in picture.shape[:2])
    return picture[::down, ::across]


def _over(picture: Pixels, backdrop: int) -> Pixels:
    if picture[..., 3].min() == 255:
        return picture[..., :3]
    opacity = picture[..., 3:].astype(np.uint16)
    mixed = (picture[..., :3] * opacity + backdrop * (255 - opacity) + 127) // 255
    return mixed.astype(np.uint8)


def _resized(picture: Pixels, size: tuple[int, int]) -> Pixels:
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize(size, Image.Resampling.LANCZOS))


def _linear(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def _encoded(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055)
