"""How many pixels an inch of the printed picture has. Pure.

JFIF, PNG (pHYs), BMP and TIFF store it; in other formats only EXIF has it, which is kept as a whole.
"""

import math
import struct
from typing import NamedTuple

from PIL import ImageFile
from PIL.TiffImagePlugin import X_RESOLUTION, Y_RESOLUTION, TiffImageFile

_TURNED = range(5, 9)  # orientations that swap width and height
_INFO_HEADER_BYTES, _BMP_DENSITY_AT = 40, 38
_METRES_PER_INCH = 0.0254
_MAX_JFIF_DENSITY = 0xFFFF
_JFIF_UNITS = {1: 1.0, 2: 2.54}  # to pixels per inch; 0 stands for proportions only


class Density(NamedTuple):
    """Pixels per inch of the upright picture."""

    across: float
    down: float


def density_of(image: ImageFile.ImageFile, orientation: int) -> Density | None:
    """That which the file's own format stores; None if it stores none, or no valid one."""
    try:
        values = _stored(image)
        across, down = (float(value) for value in values or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    if not all(math.isfinite(value) and value > 0 for value in (across, down)):
        return None
    return Density(down, across) if orientation in _TURNED else Density(across, down)


def density_of_bmp(bmp: bytes) -> Density | None:
    """That in a header of at least 40 bytes; None if there is none."""
    if int.from_bytes(bmp[14:18], "little") < _INFO_HEADER_BYTES:
        return None
    across, down = struct.unpack_from("<ii", bmp, _BMP_DENSITY_AT)
    return Density(across * _METRES_PER_INCH, down * _METRES_PER_INCH) if across > 0 and down > 0 else None


def jfif_density(density: Density | None) -> bytes:
    """The unit and the two numbers as a JFIF segment contains them. They are whole numbers of 16 bits."""
    numbers = tuple(map(round, density or ()))
    if not numbers or not all(1 <= number <= _MAX_JFIF_DENSITY for number in numbers):
        return struct.pack(">BHH", 0, 1, 1)
    return struct.pack(">BHH", 1, *numbers)


def per_metre(density: Density) -> tuple[int, int]:
    """As PNG and BMP store it: at most 31 bits."""
    across, down = (min(round(value / _METRES_PER_INCH), 0x7FFFFFFF) for value in density)
    return across, down


def _stored(image: ImageFile.ImageFile) -> tuple[float, ...] | None:
    """Pillow's figure, but not one that it invents: for a JPEG with EXIF, and for a TIFF without the tags."""
    if image.format == "JPEG":
        factor = _JFIF_UNITS.get(image.info.get("jfif_unit", 0))
        return tuple(value * factor for value in image.info["jfif_density"]) if factor else None
    if isinstance(image, TiffImageFile) and not {X_RESOLUTION, Y_RESOLUTION} <= image.tag_v2.keys():
        return None
    return image.info.get("dpi")
