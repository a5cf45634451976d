"""Which file of this folder writes which format."""

from collections.abc import Callable, Mapping

from services.compressor.decoders.picture import Format, Picture
from services.compressor.encoders import avif, bmp, gif, jpeg, png, tiff, webp
from services.compressor.rate_control.ladder import Ladder

LADDERS: Mapping[Format, Callable[[Picture, int], Ladder]] = {
    "jpeg": jpeg.ladder,
    "png": png.ladder,
    "webp": webp.ladder,
    "avif": avif.ladder,
    "tiff": tiff.ladder,
    "gif": gif.ladder,
    "bmp": bmp.ladder,
}
"""From a picture and the number of the original's bytes, which is worth knowing for a guess, to its ladder."""

EXTENSIONS: Mapping[Format, str] = {
    "jpeg": "jpg",
    "png": "png",
    "webp": "webp",
    "gif": "gif",
    "avif": "avif",
    "tiff": "tif",
    "bmp": "bmp",
}

LARGEST_SIDE: Mapping[Format, int] = {
    "jpeg": 65500,
    "webp": webp.LARGEST_SIDE,
    "gif": 65535,
    "avif": avif.LARGEST_SIDE,
}
"""Pixels that a picture's width and height may have, where the format has a limit worth minding."""
