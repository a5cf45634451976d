"""Strip an original, and check that it still shows the same."""

import struct
import warnings
import zlib
from collections.abc import Callable, Mapping

from PIL import Image

from services.compressor.compress_error import CompressError
from services.compressor.decoders import Format, Picture, open_picture
from services.compressor.stripping.avif import strip_avif
from services.compressor.stripping.bmp import strip_bmp
from services.compressor.stripping.gif import strip_gif
from services.compressor.stripping.jpeg import strip_jpeg
from services.compressor.stripping.kept import Kept, kept_of
from services.compressor.stripping.png import strip_png
from services.compressor.stripping.tiff import strip_tiff
from services.compressor.stripping.webp import strip_webp

_STRIPPERS: Mapping[Format, Callable[[bytes, Kept], bytes]] = {
    "jpeg": strip_jpeg,
    "png": strip_png,
    "webp": strip_webp,
    "gif": strip_gif,
    "avif": strip_avif,
    "tiff": strip_tiff,
    "bmp": strip_bmp,
}
_COMPARED_ROWS = 256


def strip_original(original: bytes, picture: Picture) -> bytes | None:
    """The original with no other metadata than the picture's author and copyright, orientation and colour profile.

    picture: the original as it was decoded; the policy was applied then, and is not "keep".
    The original itself if it has nothing to remove. None if it cannot be stripped safely: it has a structure that is
    not understood, or the stripped file would be larger or show something else.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, about tags that are broken
            stripped = _STRIPPERS[picture.format](original, kept_of(picture))
    except (ValueError, IndexError, KeyError, OverflowError, struct.error, zlib.error):
        return None  # decoders accept some files that are broken where no pixels are
    if stripped.startswith(original):  # except for an end marker that it lacked
        return original
    return stripped if len(stripped) <= len(original) and _shows(picture, stripped) else None


def _shows(picture: Picture, stripped: bytes) -> bool:
    """Whether the stripped file has the picture's pixels, colours and number of frames."""
    frames = picture.animation.count if picture.animation else 1
    try:
        again = open_picture(stripped, picture.image.width * picture.image.height * frames)
    except CompressError:
        return False
    animations = [each.animation and (each.animation.count, each.animation.loop) for each in (picture, again)]
    return (
        (again.icc_profile, again.hdr) == (picture.icc_profile, picture.hdr)
        and animations[0] == animations[1]
        and _equal_pixels(again.image, picture.image)
    )


def _equal_pixels(one: Image.Image, other: Image.Image) -> bool:
    """Compared in bands, since a copy of all pixels would take too much memory."""
    if (one.mode, one.size, one.info, one.getpalette()) != (other.mode, other.size, other.info, other.getpalette()):
        return False
    boxes = [(0, top, one.width, min(top + _COMPARED_ROWS, one.height)) for top in range(0, one.height, _COMPARED_ROWS)]
    return all(one.crop(box).tobytes() == other.crop(box).tobytes() for box in boxes)
