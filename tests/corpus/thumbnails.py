"""Small pictures for the report, on a chequered ground that shows transparency."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.oracle import Shown

_SIDE = 240
_SQUARE = 8


def write_thumbnail(shown: Shown | None, path: Path) -> str:
    """The name of the file in `path`'s folder; empty if there is nothing to show. Small pictures are enlarged."""
    if shown is None:
        return ""
    picture = Image.fromarray(shown.pixels)
    scale = _SIDE / max(picture.size)
    if scale > 1:
        picture = picture.resize(_sides(picture, float(int(scale))), Image.Resampling.NEAREST)
    else:
        picture = picture.resize(_sides(picture, scale), Image.Resampling.BOX)
    ground = Image.fromarray(_chequered(picture.height, picture.width)).convert("RGBA")
    Image.alpha_composite(ground, picture).convert("RGB").save(path, "PNG", compress_level=1)
    return path.name


def _sides(picture: Image.Image, scale: float) -> tuple[int, int]:
    return max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)


def _chequered(height: int, width: int) -> np.typing.NDArray[np.uint8]:
    down, across = np.ogrid[:height, :width]
    return np.where((down // _SQUARE + across // _SQUARE) % 2, 255, 205).astype(np.uint8)
