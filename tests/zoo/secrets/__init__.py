"""Files with a secret in every place that their format has for one, besides the pixels."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from tests.zoo.secrets.avifs import avif
from tests.zoo.secrets.jpegs import adobe_jpeg, jpeg
from tests.zoo.secrets.planted import AUTHOR, NOTICE, XMP, exif_bytes, found_secrets, picture
from tests.zoo.secrets.pngs import png
from tests.zoo.secrets.tiffs_and_bmps import (
    bmp,
    bmp_with_a_profile,
    tiff,
    tiff_of_a_jpeg,
    tiff_with_directories,
    tiff_with_texts_for_numbers,
)
from tests.zoo.secrets.webps_and_gifs import gif, webp
from tests.zoo.specimen import saved

__all__ = ["AUTHOR", "NOTICE", "SECRET_FILES", "file_with_secrets", "found_secrets", "tiff_with_texts_for_numbers"]


def _animated(file_format: str, **save: Any) -> bytes:
    turned = [picture().rotate(180), picture().rotate(90)]
    return saved(picture(), file_format, save_all=True, append_images=turned, duration=70, **save)


SECRET_FILES: dict[str, Callable[[], bytes]] = {
    "jpeg": jpeg,
    "jpeg progressive": lambda: jpeg(progressive=True),
    "jpeg orientation 6": lambda: jpeg(orientation=6),
    "jpeg CMYK": lambda: jpeg("CMYK"),
    "jpeg stored as RGB": adobe_jpeg,
    "png": lambda: png(saved(picture(), "PNG")),
    "png palette orientation 6": lambda: png(saved(picture("P"), "PNG"), orientation=6),
    "png animated": lambda: png(_animated("PNG")),
    "webp": lambda: webp(saved(picture(), "WEBP", exif=exif_bytes(), xmp=XMP)),
    "webp lossless orientation 6": lambda: webp(saved(picture(), "WEBP", exif=exif_bytes(6), xmp=XMP, lossless=True)),
    "webp animated": lambda: webp(_animated("WEBP", exif=exif_bytes(), xmp=XMP)),
    "gif": lambda: gif(saved(picture("P"), "GIF")),
    "gif animated": lambda: gif(_animated("GIF", loop=0)),
    "avif": lambda: avif(saved(picture(), "AVIF", exif=exif_bytes(), xmp=XMP)),
    "avif with alpha orientation 6": lambda: avif(saved(picture("RGBA"), "AVIF", exif=exif_bytes(6), xmp=XMP)),
    "avif animated": lambda: avif(_animated("AVIF", exif=exif_bytes(), xmp=XMP)),
    "tiff": tiff_with_directories,
    "tiff lzw orientation 6": lambda: tiff(orientation=6, compression="tiff_lzw"),
    "tiff deflate": lambda: tiff(compression="tiff_adobe_deflate"),
    "tiff fax": lambda: tiff("1", compression="group4"),
    "tiff CMYK": lambda: tiff("CMYK"),
    "tiff jpeg": tiff_of_a_jpeg,
    "tiff with texts for numbers": tiff_with_texts_for_numbers,
    "bmp": bmp,
    "bmp palette": lambda: bmp("P"),
    "bmp with a linked profile": partial(bmp_with_a_profile, b"KNIL"),
    "bmp with a broken profile": partial(bmp_with_a_profile, b"DEBM"),
}


@cache
def file_with_secrets(name: str) -> bytes:
    return SECRET_FILES[name]()
