"""A photograph in each format. All are named .jpg, as in catalogues whose pictures were replaced later."""

from collections.abc import Mapping
from functools import cache

from tests.support.pictures import a_photo

WIDTH, HEIGHT = 200, 150


@cache
def photos() -> Mapping[str, bytes]:
    """The photographs by name, large enough to be compressed to half their bytes."""
    return {
        "jpeg.jpg": a_photo(1, WIDTH, HEIGHT),
        "progressive.jpg": a_photo(2, WIDTH, HEIGHT, progressive=True),
        "png.jpg": a_photo(3, WIDTH, HEIGHT, "PNG"),
        "webp.jpg": a_photo(4, WIDTH, HEIGHT, "WEBP"),
        "gif.jpg": a_photo(5, WIDTH, HEIGHT, "GIF"),
        "avif.jpg": a_photo(6, WIDTH, HEIGHT, "AVIF", quality=85),
        "tiff.jpg": a_photo(7, WIDTH, HEIGHT, "TIFF"),
        "bmp.jpg": a_photo(8, WIDTH, HEIGHT, "BMP"),
    }


def own_format(name: str) -> str:
    """The format of a photograph in `photos`."""
    return "jpeg" if name == "progressive.jpg" else name.removesuffix(".jpg")
