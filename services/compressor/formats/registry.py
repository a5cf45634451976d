"""Which file of this folder writes which format."""

from collections.abc import Callable, Mapping

from services.compressor.fitting.ladder import Ladder
from services.compressor.formats import jpeg, png, webp
from services.compressor.opening.picture import Format, Picture

LADDERS: Mapping[Format, Callable[[Picture, int], Ladder]] = {
    "jpeg": jpeg.ladder,
    "png": png.ladder,
    "webp": webp.ladder,
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
