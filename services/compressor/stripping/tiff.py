"""Remove the metadata and the further pages of a TIFF. Source: TIFF 6.0; TIFF Technical Note 2 (JPEG)."""

import struct
import sys
from contextlib import suppress
from itertools import accumulate

from PIL import ExifTags, Image

from services.compressor.decoders import is_icc_profile, tiff_page_offset
from services.compressor.stripping.deflate import DeflateStream
from services.compressor.stripping.jpeg import strip_jpeg
from services.compressor.stripping.kept import Kept
from services.compressor.stripping.tiff_file import (
    ASCII,
    LONG,
    LONG8,
    Layout,
    Tag,
    directory_size,
    layout_of,
    number_tag,
    numbers,
    read_tags,
    written,
)

_COMPRESSION, _PHOTOMETRIC, _PREDICTOR, _JPEG_TABLES, _PROFILE = 259, 262, 317, 347, 34675
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES = 273, 279, 324, 325
_WIDTH, _HEIGHT, _BITS, _SAMPLES_PER_PIXEL = 256, 257, 258, 277
_STRIP_ROWS, _PLANAR, _TILE_WIDTH, _TILE_ROWS = 278, 284, 322, 323
# What decoders use: dimensions, samples, compression, orientation, palettes, inks, YCbCr, tone curves. All are numbers;
# these are the most bytes that their values take. Strips and tiles are counted.
_ONE_VALUE, _SAMPLES, _CURVES = 8, 128, 3 << 17
_MAX_BYTES = {
    **dict.fromkeys(
        (_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, 266, 274, _SAMPLES_PER_PIXEL, _STRIP_ROWS), _ONE_VALUE
    ),
    **dict.fromkeys((_PLANAR, 290, 292, 293, _PREDICTOR, _TILE_WIDTH, _TILE_ROWS, 332, 334, 530, 531), _ONE_VALUE),
    **dict.fromkeys((_BITS, 318, 319, 336, 338, 339, 340, 341, 529, 532), _SAMPLES),
    **dict.fromkeys((291, 301, 320), _CURVES),
    **dict.fromkeys((_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES), sys.maxsize),
}
_NUMBER_TYPES = frozenset({1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 16, 17})
_RIGHTS = (ExifTags.Base.Artist, ExifTags.Base.Copyright)
_UNCOMPRESSED, _JPEG, _DEFLATE = (0, 1), 7, (8, 32946)
_YCBCR, _SEPARATE_PLANES = 6, 2
_UNDEFINED, _PROFILE_HEADER_BYTES = 7, 128
_NEEDS_PROFILE = (5, 8, 9)  # CMYK and Lab, which decoding converted to sRGB


def strip_tiff(original: bytes, kept: Kept) -> bytes:
    """One page: its tags about pixels, its strips or tiles, its profile, and author and copyright of `kept`.

    Raises ValueError or struct.error if the file is broken, and KeyError if it has no strips.
    """
    layout = layout_of(original)
    page = read_tags(original, layout, tiff_page_offset(original))
    tags = {number: tag for number, tag in page.items() if _is_needed(number, tag)}
    if _JPEG_TABLES in page:
        tags[_JPEG_TABLES] = Tag(_UNDEFINED, strip_jpeg(bytes(page[_JPEG_TABLES].data), Kept()))
    with_profile = kept.profile or _number(page, _PHOTOMETRIC, layout) in _NEEDS_PROFILE
    if with_profile and _PROFILE in page and is_icc_profile(page[_PROFILE].data[:_PROFILE_HEADER_BYTES]):
        tags[_PROFILE] = page[_PROFILE]
    tags |= _rights(kept)
    return _with_pixels(tags, original, layout)


def _is_needed(number: int, tag: Tag) -> bool:
    """Whether a tag tells how the pixels are stored, and nothing else."""
    return tag.type in _NUMBER_TYPES and len(tag.data) <= _MAX_BYTES.get(number, -1)


def _number(tags: dict[int, Tag], number: int, layout: Layout) -> int:
    """A tag's first value; 0 if the tag is missing."""
    return numbers(tags[number], layout)[0] if number in tags else 0


def _rights(kept: Kept) -> dict[int, Tag]:
    if not kept.exif:
        return {}
    exif = Image.Exif()
    exif.load(kept.exif)
    texts = {tag: exif[tag] for tag in _RIGHTS if isinstance(exif.get(tag), str)}
    return {tag: Tag(ASCII, text.encode("latin-1", "replace") + b"\0") for tag, text in texts.items()}


def _with_pixels(tags: dict[int, Tag], original: bytes, layout: Layout) -> bytes:
    offsets_tag, lengths_tag = (_STRIPS, _STRIP_BYTES) if _STRIPS in tags else (_TILES, _TILE_BYTES)
    compression = _number(tags, _COMPRESSION, layout)
    strips = list(zip(numbers(tags[offsets_tag], layout), numbers(tags[lengths_tag], layout), strict=True))
    sizes = _strip_sizes(tags, layout, len(strips))
    strips = strips[: len(sizes)]
    if compression in _UNCOMPRESSED:
        strips = [(at, min(length, size)) for (at, length), size in zip(strips, sizes, strict=True)]
    # Strips of equal content may share their bytes; other overlaps would make the file larger.
    if sum(length for _, length in set(strips)) + sum(len(tag.data) for tag in tags.values()) > len(original):
        raise ValueError("overlapping strips or tags")
    pieces: dict[tuple[int, int], bytes] = {}
    for (at, length), size in zip(strips, sizes, strict=True):
        if (at, length) not in pieces:
            pieces[at, length] = _bare_strip(original[at : at + length], compression, size)
    tags[lengths_tag] = number_tag([len(pieces[strip]) for strip in strips], layout, tags[lengths_tag].type)
    for kind in (tags[offsets_tag].type, LONG8 if layout.offset == "Q" else LONG):
        tags[offsets_tag] = number_tag([0] * len(strips), layout, kind)
        starts = accumulate((len(piece) for piece in pieces.values()), initial=directory_size(tags, layout))
        places = dict(zip(pieces, starts, strict=False))
        with suppress(struct.error):  # a number that the type cannot hold
            tags[offsets_tag] = number_tag([places[strip] for strip in strips], layout, kind)
            return written(tags, b"".join(pieces.values()), layout)
    raise ValueError("the file is too large")


def _strip_sizes(tags: dict[int, Tag], layout: Layout, count: int) -> list[int]:
    """The bytes of each strip or tile, in all planes, when it is not compressed; `count` at most.

    Not known of YCbCr, whose chrominance may be smaller. Raises ValueError for tiles without a size.
    """
    if _number(tags, _PHOTOMETRIC, layout) == _YCBCR:
        return [sys.maxsize] * count
    width, height, samples = (_number(tags, tag, layout) for tag in (_WIDTH, _HEIGHT, _SAMPLES_PER_PIXEL))
    depths = numbers(tags[_BITS], layout) if _BITS in tags else (1,)
    bits, planes = sum(depths) if len(depths) > 1 else depths[0] * max(1, samples), 1
    if _number(tags, _PLANAR, layout) == _SEPARATE_PLANES:
        bits, planes = max(depths), max(1, samples)
    if _STRIPS in tags:
        rows = min(_number(tags, _STRIP_ROWS, layout) or height, height)
        heights = [min(rows, height - top) for top in range(0, height, rows)]
        return ([(width * bits + 7) // 8 * each for each in heights] * planes)[:count]
    across, rows = _number(tags, _TILE_WIDTH, layout), _number(tags, _TILE_ROWS, layout)
    if not across or not rows:
        raise ValueError("tiles without a size")
    return [(across * bits + 7) // 8 * rows] * min(count, -(-width // across) * -(-height // rows) * planes)


def _bare_strip(strip: bytes, compression: int, size: int) -> bytes:
    if compression == _JPEG:
        return strip_jpeg(strip, Kept())
    return bytes(DeflateStream(size).cut(memoryview(strip))) if compression in _DEFLATE else strip
