"""A test picture, and the pixels that test pictures are made of."""

import io
from dataclasses import dataclass
from typing import Any

from PIL import Image

from services.compressor.decoders import Format

WIDTH, HEIGHT = SIZE = (64, 48)


@dataclass(frozen=True, slots=True)
class Specimen:
    """A file, and what a browser shows of it.

    shown: the first frame, upright, in sRGB, in mode RGB or RGBA.
    tolerance: the mean difference from `shown` that is allowed, per channel, of 255.
    profiled: the pixels need their colour profile to look like `shown`, so results must keep it.
    milliseconds: the duration of each frame, if it is animated.
    loop: how often it is played; 0 means for ever.
    """

    data: bytes
    format: Format
    shown: Image.Image
    tolerance: float = 0
    profiled: bool = False
    milliseconds: tuple[int, ...] = ()
    loop: int = 1

    @property
    def alpha(self) -> bool:
        return self.shown.mode == "RGBA"


def gradient(colours: int = 256) -> Image.Image:
    """A smooth RGB picture whose corners all differ; with few colours it consists of flat areas."""
    across, down = Image.linear_gradient("L").rotate(90).resize(SIZE), Image.linear_gradient("L").resize(SIZE)
    steps = {256: 256, 16: 4, 4: 2, 2: 2}[colours]
    red, green = (band.point(lambda value: value * steps // 256 * 255 // (steps - 1)) for band in (across, down))
    if colours == 2:
        return Image.merge("RGB", (red, red, red))
    blue = Image.blend(across, down, 0.5) if colours == 256 else Image.new("L", SIZE, 60)
    return Image.merge("RGB", (red, green, blue))


def grey_gradient(levels: int = 256) -> Image.Image:
    grey = Image.blend(Image.linear_gradient("L").rotate(90).resize(SIZE), Image.linear_gradient("L").resize(SIZE), 0.3)
    return grey.point(lambda value: value * levels // 256 * 255 // (levels - 1))


def alpha() -> Image.Image:
    """Transparent on the left, opaque on the right, with a gradient between."""
    across = Image.linear_gradient("L").rotate(90).resize(SIZE)
    return across.point(lambda value: min(max(value * 3 - 256, 0), 255))


def with_alpha(picture: Image.Image, opacity: Image.Image | None = None) -> Image.Image:
    return Image.merge("RGBA", (*picture.convert("RGB").split(), opacity or alpha()))


def frames() -> list[Image.Image]:
    """Three frames that differ everywhere."""
    picture = gradient(16)
    return [picture, picture.transpose(Image.Transpose.ROTATE_180), picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)]


def saved(picture: Image.Image, file_format: str, **save: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, file_format, **save)
    return out.getvalue()


def exif(orientation: int) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x8298] = "somebody"
    return made


def stored_with_orientation(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture as a camera stores it with this EXIF orientation: applying the orientation gives `picture`."""
    methods = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    return picture.transpose(methods[orientation]) if orientation in methods else picture
