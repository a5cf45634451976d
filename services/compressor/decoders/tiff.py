"""Decode a TIFF's page completely: libtiff only warns about some missing pixels. Source: TIFF 6.0, Adobe 1992."""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import simplejpeg
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from services.compressor.compress_error import CompressError
from services.compressor.decoders.inflate import inflated
from services.compressor.decoders.jpeg_segments import END_OF_IMAGE, START_OF_IMAGE
from shared.contracts.error_codes import ErrorCode

_WIDTH, _HEIGHT, _COMPRESSION, _JPEG_TABLES = 256, 257, 259, 347
_STRIPS, _STRIP_ROWS, _STRIP_BYTES = 273, 278, 279
_TILE_WIDTH, _TILE_ROWS, _TILES, _TILE_BYTES = 322, 323, 324, 325
_OLD_JPEG, _JPEG, _DEFLATE = 6, 7, (8, 32946)
_JPEG_AT, _JPEG_BYTES = 513, 514
_START_OF_SCAN = b"\xff\xda"

_BITS, _PHOTOMETRIC, _PLANAR, _SAMPLE_FORMAT = 258, 262, 284, 339
_WHITE_IS_ZERO, _SEPARATE_PLANES, _UNSIGNED = 0, 2, 1
_WHITE_16, _SIGNED_WHITE_16, _WHITE_12 = 65535, 32767, 4095

Tags = Mapping[int, Any]


def decode_tiff(image: TiffImageFile, original: bytes) -> Image.Image:
    """The pixels of an opened page, upright.

    Raises ValueError, or what Pillow raises, if some are missing; CompressError for a kind that Pillow reads wrongly.
    """
    _check_strips(image, original)
    packed = any(tile.codec_name == "libtiff" for tile in image.tile)
    if not packed and image.tag_v2.get(_PLANAR) == _SEPARATE_PLANES and 16 in _numbers(image.tag_v2.get(_BITS)):
        if image.mode == "CMYK":
            raise CompressError(ErrorCode.UNSUPPORTED_FORMAT, "the file is a TIFF image of CMYK in planes of 16 bits")
        _read_planes_of_16_bits(image)
    image.load()
    pixels = _as_usual_grey(image) if image.mode.startswith(("I", "F")) else image
    pixels.info = image.info
    return pixels


def _as_usual_grey(image: TiffImageFile) -> Image.Image:
    """Deep grey with 0 for black, unsigned, in the machine's byte order.

    In these modes Pillow ignores that 0 is white, takes unsigned 32 bits for signed ones, does not scale 12 bits, and
    converts big-endian values of 16 bits wrongly.
    """
    values, tags = np.asarray(image), image.tag_v2
    bits, unsigned = _numbers(tags.get(_BITS)), _numbers(tags.get(_SAMPLE_FORMAT)) in ((), (_UNSIGNED,))
    if bits == (12,):
        values = (values.astype(np.uint32) * _WHITE_16 // _WHITE_12).astype(np.uint16)
    elif image.mode.startswith("I;16"):
        values = values.astype(np.uint16)
    elif bits == (32,) and unsigned and values.min() < 0:
        values = (values.view(np.uint32) >> 16).astype(np.uint16)
    elif bits == (16,) and not unsigned and values.min() >= 0:
        values = (values * _WHITE_16 // _SIGNED_WHITE_16).astype(np.uint16)
    if tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        white = max(1.0, float(np.nan_to_num(values).max())) if image.mode == "F" else _WHITE_16
        values = (white - values).astype(values.dtype)
    return Image.fromarray(values)


def _read_planes_of_16_bits(image: TiffImageFile) -> None:
    """Pillow reads separate planes that are not compressed as if they had 8 bits."""
    order = "B" if image.tag_v2.prefix == b"MM" else "L"
    bands = ((tile, tile.args[0]) for tile in image.tile if isinstance(tile.args, tuple))
    image.tile = [tile._replace(args=(f"{band};16{order}", 0, 1)) for tile, band in bands]


def _check_strips(image: TiffImageFile, original: bytes) -> None:
    """Raises ValueError if a strip or tile of the first page is missing or damaged.

    Only JPEG and deflate strips are decoded here; decoding reports damage in the other compressions.
    """
    tags: Tags = image.tag_v2
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
    if tags.get(_COMPRESSION) == _OLD_JPEG:
        _check_old_jpeg(tags, original)


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
        strip = tables.removesuffix(END_OF_IMAGE) + strip.removeprefix(START_OF_IMAGE)
    colourspace = simplejpeg.decode_jpeg_header(strip)[2]
    simplejpeg.decode_jpeg(strip, {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(str(colourspace), "RGB"))


def _check_old_jpeg(tags: Tags, original: bytes) -> None:
    """The tags may point to a whole JPEG, or only to the tables before its scan (TIFF 6.0, section 22)."""
    at, length = tags.get(_JPEG_AT), tags.get(_JPEG_BYTES)
    if isinstance(at, int) and isinstance(length, int) and _START_OF_SCAN in original[at : at + length]:
        _check_jpeg(original[at : at + length], None)


def _check_deflate(strip: bytes) -> None:
    """libtiff does not verify the checksum at the end of the stream."""
    inflate = zlib.decompressobj()
    try:
        for _ in inflated(inflate, strip):
            pass
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflate.eof:
        raise ValueError("a strip is truncated")
