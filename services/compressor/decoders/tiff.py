"""Check that a TIFF's pixels are complete: libtiff only warns about some missing ones. Source: TIFF 6.0, Adobe 1992."""

import zlib
from collections.abc import Mapping
from typing import Any

import simplejpeg
from PIL import TiffImagePlugin

_WIDTH, _HEIGHT, _COMPRESSION, _JPEG_TABLES = 256, 257, 259, 347
_STRIPS, _STRIP_ROWS, _STRIP_BYTES = 273, 278, 279
_TILE_WIDTH, _TILE_ROWS, _TILES, _TILE_BYTES = 322, 323, 324, 325
_JPEG, _DEFLATE = 7, (8, 32946)
_START_OF_IMAGE, _END_OF_IMAGE = b"\xff\xd8", b"\xff\xd9"
_INFLATE_BYTES = 1 << 20

Tags = Mapping[int, Any]


def check_strips(image: TiffImagePlugin.TiffImageFile, original: bytes) -> None:
    """Raises ValueError if a strip or tile of the first page is missing or damaged.

    Only JPEG and deflate strips are decoded here; decoding reports damage in the other compressions.
    """
    tags = image.tag_v2
    offsets = _numbers(tags.get(_STRIPS)) or _numbers(tags.get(_TILES))
    lengths = _numbers(tags.get(_STRIP_BYTES)) or _numbers(tags.get(_TILE_BYTES))
    if len(offsets) < _strips_per_layer(tags):
        raise ValueError("strips are missing")
    for at, length in zip(offsets, lengths, strict=False):
        if at + length > len(original):
            raise ValueError("the file is truncated")
        if tags.get(_COMPRESSION) == _JPEG:
            _check_jpeg(original[at : at + length], tags.get(_JPEG_TABLES))
        elif tags.get(_COMPRESSION) in _DEFLATE:
            _check_deflate(original[at : at + length])


def _strips_per_layer(tags: Tags) -> int:
    """How many strips or tiles one layer of the picture has."""
    width, height = tags[_WIDTH], tags[_HEIGHT]
    if _TILES in tags and _STRIPS not in tags:
        return int(-(-width // tags[_TILE_WIDTH]) * -(-height // tags[_TILE_ROWS]))
    return int(-(-height // min(tags.get(_STRIP_ROWS, height), height)))


def _numbers(value: object) -> tuple[int, ...]:
    if isinstance(value, int):
        return (value,)
    return value if isinstance(value, tuple) and all(isinstance(number, int) for number in value) else ()


def _check_jpeg(strip: bytes, tables: object) -> None:
    """A strip is a JPEG; a tag may contain the tables that all strips share (TIFF Technical Note 2)."""
    if isinstance(tables, bytes):
        strip = tables.removesuffix(_END_OF_IMAGE) + strip.removeprefix(_START_OF_IMAGE)
    colourspace = simplejpeg.decode_jpeg_header(strip)[2]
    simplejpeg.decode_jpeg(strip, {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(str(colourspace), "RGB"))


def _check_deflate(strip: bytes) -> None:
    """libtiff does not verify the checksum at the end of the stream."""
    inflate = zlib.decompressobj()
    try:
        while strip and not inflate.eof:
            inflate.decompress(strip, _INFLATE_BYTES)
            strip = inflate.unconsumed_tail
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflate.eof:
        raise ValueError("a strip is truncated")
