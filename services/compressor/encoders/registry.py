"""The encoder, file extension and size limit of each output format."""

from collections.abc import Callable, Mapping

from services.compressor.decoders import Format, Picture
from services.compressor.encoders import avif, webp
from services.compressor.encoders.avif import avif_ladder
from services.compressor.encoders.bmp import bmp_ladder
from services.compressor.encoders.gif import gif_ladder
from services.compressor.encoders.jpeg import jpeg_ladder
from services.compressor.encoders.png import png_ladder
from services.compressor.encoders.tiff import tiff_ladder
from services.compressor.encoders.webp import webp_ladder
from services.compressor.rate_control import Ladder

LADDERS: Mapping[Format, Callable[[Picture, int], Ladder]] = {
    "jpeg": jpeg_ladder,
    "png": png_ladder,
    "webp": webp_ladder,
    "avif": avif_ladder,
    "tiff": tiff_ladder,
    "gif": gif_ladder,
    "bmp": bmp_ladder,
}
"""From a picture and the number of the original's bytes, which some encoders use for a first guess, to its ladder."""

EXTENSIONS: Mapping[Format, str] = {
    "jpeg": "jpg",
    "png": "png",
    "webp": "webp",
    "gif": "gif",
    "avif": "avif",
    "tiff": "tif",
    "bmp": "bmp",
}

MAX_SIDE: Mapping[Format, int] = {
    "jpeg": 65500,
    "webp": webp.MAX_SIDE,
    "gif": 65535,
    "avif": avif.MAX_SIDE,
}
"""The largest width and height in pixels, of the formats that have a limit a picture may exceed."""

_WITHOUT_PROFILE: frozenset[Format] = frozenset({"gif", "bmp"})


def holds_hdr(format_: Format, picture: Picture) -> bool:
    """Whether a file in this format can define the picture's high dynamic range, if it has one."""
    if picture.hdr is None:
        return True
    if picture.hdr.in_profile:
        return format_ not in _WITHOUT_PROFILE
    return (format_ == "png" and bool(picture.colour_chunks)) or (format_ == "avif" and picture.animation is None)
