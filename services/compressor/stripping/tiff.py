"""Remove the metadata and the further pages of a TIFF. Source: TIFF 6.0; TIFF Technical Note 2 (JPEG)."""

import struct
from contextlib import suppress
from itertools import accumulate

from PIL import ExifTags, Image

from services.compressor.decoders import tiff_page_offset
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
# What decoders use: dimensions, samples, compression, orientation, palettes, inks, YCbCr, tone curves.
_PIXEL_TAGS = frozenset(
    {
        *(256, 257, 258, _COMPRESSION, _PHOTOMETRIC, 266, _STRIPS, 274, 277, 278, _STRIP_BYTES, 280, 281, 284),
        *(290, 291, 292, 293, 301, _PREDICTOR, 318, 319, 320, 322, 323, _TILES, _TILE_BYTES, 332, 334, 336, 338, 339),
        *(340, 341, _JPEG_TABLES, 529, 530, 531, 532),
    }
)
_RIGHTS = (ExifTags.Base.Artist, ExifTags.Base.Copyright)
_JPEG, _DEFLATE = 7, (8, 32946)
_NEEDS_PROFILE = (5, 8, 9)  # CMYK and Lab, which decoding converted to sRGB


def strip_tiff(original: bytes, kept: Kept) -> bytes:
    """One page: its tags about pixels, its strips or tiles, its profile, and author and copyright of `kept`.

    Raises ValueError or struct.error if the file is broken, and KeyError if it has no strips.
    """
    layout = layout_of(original)
    page = read_tags(original, layout, tiff_page_offset(original))
    wanted = {
        *_PIXEL_TAGS,
        *({_PROFILE} if kept.profile or _number(page, _PHOTOMETRIC, layout) in _NEEDS_PROFILE else ()),
    }
    tags = {number: tag for number, tag in page.items() if number in wanted}
    if _JPEG_TABLES in tags:
        tags[_JPEG_TABLES] = Tag(tags[_JPEG_TABLES].type, strip_jpeg(bytes(tags[_JPEG_TABLES].data), Kept()))
    tags |= _rights(kept)
    return _with_pixels(tags, original, layout)


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
    # Strips of equal content may share their bytes; other overlaps would make the file larger.
    if sum(length for _, length in set(strips)) + sum(len(tag.data) for tag in tags.values()) > len(original):
        raise ValueError("overlapping strips or tags")
    pieces: dict[tuple[int, int], bytes] = {}
    for at, length in strips:
        pieces.setdefault((at, length), _bare_strip(original[at : at + length], compression))
    tags[lengths_tag] = number_tag([len(pieces[strip]) for strip in strips], layout, tags[lengths_tag].type)
    for kind in (tags[offsets_tag].type, LONG8 if layout.offset == "Q" else LONG):
        tags[offsets_tag] = number_tag([0] * len(strips), layout, kind)
        starts = accumulate((len(piece) for piece in pieces.values()), initial=directory_size(tags, layout))
        places = dict(zip(pieces, starts, strict=False))
        with suppress(struct.error):  # a number that the type cannot hold
            tags[offsets_tag] = number_tag([places[strip] for strip in strips], layout, kind)
            return written(tags, b"".join(pieces.values()), layout)
    raise ValueError("the file is too large")


def _bare_strip(strip: bytes, compression: int) -> bytes:
    if compression == _JPEG:
        return strip_jpeg(strip, Kept())
    return bytes(DeflateStream().cut(memoryview(strip))) if compression in _DEFLATE else strip
