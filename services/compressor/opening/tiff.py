"""Look a TIFF's pixels through: libtiff only warns of some that are missing, and fills them with grey."""

import simplejpeg
from PIL import TiffImagePlugin

_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_COMPRESSION, _JPEG, _JPEG_TABLES = 259, 7, 347
_START, _END = b"\xff\xd8", b"\xff\xd9"


def check_strips(image: TiffImagePlugin.TiffImageFile, original: bytes) -> None:
    """Raises ValueError if a strip or tile of the first page reaches beyond the file, or is a JPEG that is broken."""
    tags = image.tag_v2
    for offsets, lengths in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
        for at, length in zip(_numbers(tags.get(offsets)), _numbers(tags.get(lengths)), strict=False):
            if at + length > len(original):
                raise ValueError("the file was cut off")
            if tags.get(_COMPRESSION) == _JPEG:
                _check_jpeg(original[at : at + length], tags.get(_JPEG_TABLES))


def _numbers(value: object) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,)
    return value if isinstance(value, tuple) and all(isinstance(number, int) for number in value) else ()


def _check_jpeg(strip: bytes, tables: object) -> None:
    """A strip is a JPEG whose tables may stand in a tag, for all of them (TIFF Technical Note 2)."""
    if isinstance(tables, bytes):
        strip = tables.removesuffix(_END) + strip.removeprefix(_START)
    colourspace = simplejpeg.decode_jpeg_header(strip)[2]
    simplejpeg.decode_jpeg(strip, {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(str(colourspace), "RGB"))
