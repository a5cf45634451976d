"""Choose a TIFF's page, and name the kind of a page that Pillow cannot read.

Sources: TIFF 6.0, Adobe 1992; TIFF Technical Note 1 (trees of pages), Adobe 1995; DNG 1.7, Adobe 2023.
"""

import io
from collections.abc import Iterator

from PIL import TiffImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

_NEW_SUBFILE_TYPE, _SUBFILE_TYPE, _SUB_IFDS = 254, 255, 330
_REDUCED, _MASK = 1, 4
_OLD_REDUCED = 2
_MAX_PAGES = 32
_BIG_TIFF = b"II+\0"
_BIG_ENDIAN_BIG_TIFF = b"MM\0+"

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLE_FORMAT = 256, 257, 258, 259, 262, 339
_STRIPS, _TILES, _OLD_JPEG = 273, 324, 513
_COMPRESSIONS = {
    32766: "NeXT runs",
    32809: "ThunderScan",
    32909: "PixarLog",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI log",
    34677: "SGI log",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy JPEG",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_READ_COMPRESSIONS = frozenset(TiffImagePlugin.COMPRESSION_INFO) - {32809, 34676, 34677, 50001}
"""What Pillow's libtiff decodes; the others are missing in its build, or Pillow has no mode for their pixels."""
_COLOURS = {
    0: "grey",
    1: "grey",
    2: "RGB",
    3: "palette",
    4: "mask",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELab",
    9: "ICCLab",
    10: "ITULab",
    32803: "camera raw",
    32844: "LogL",
    32845: "LogLuv",
    34892: "linear raw",
}
_FORMATS = {2: " signed", 3: " floating-point"}

Tags = ImageFileDirectory_v2


class UnreadTiff(Exception):
    """A valid TIFF of a kind that cannot be decoded. Its text says which, in words that follow "is"."""


def open_tiff(tiff: bytes) -> TiffImageFile:
    """Open the first page that is neither a thumbnail nor a mask, also if it belongs to another one; else the first.

    Raises UnreadTiff, and what Pillow raises for a broken file.
    """
    if tiff.startswith(_BIG_ENDIAN_BIG_TIFF):
        raise UnreadTiff("a big-endian BigTIFF image")
    offset = tiff_page_offset(tiff)
    tags = _tags_at(tiff, offset)
    if tags.get(_COMPRESSION, 1) not in _READ_COMPRESSIONS and (kind := _kind(tags)):
        raise UnreadTiff(kind)
    try:
        return TiffImageFile(io.BytesIO(tiff if offset is None else _beginning_at(tiff, offset)))
    except Exception as error:
        if kind := _kind(tags):
            raise UnreadTiff(kind) from error
        raise


def tiff_page_offset(tiff: bytes) -> int | None:
    """Where the tags of the page begin that is decoded; None for the first page. Raises what Pillow raises."""
    first = _tags_at(tiff, None)
    return None if _is_full(first) else next((at for at, tags in _pages(tiff, first) if _is_full(tags)), None)


def _is_full(tags: Tags) -> bool:
    kind = tags.get(_NEW_SUBFILE_TYPE, 0)
    reduced = isinstance(kind, int) and kind & (_REDUCED | _MASK)
    return not reduced and tags.get(_SUBFILE_TYPE) != _OLD_REDUCED


def _pages(tiff: bytes, first: ImageFileDirectory_v2) -> Iterator[tuple[int, Tags]]:
    """Place and tags of the first page's own pages, then of the pages after it."""
    own = first.get(_SUB_IFDS, ())
    following = first.next
    for offset in (own if isinstance(own, tuple) else (own,))[:_MAX_PAGES]:
        if isinstance(offset, int):
            yield offset, _tags_at(tiff, offset)
    for _ in range(_MAX_PAGES):
        if not following:
            return
        tags = _tags_at(tiff, following)
        yield following, tags
        following = tags.next


def _tags_at(tiff: bytes, offset: int | None) -> ImageFileDirectory_v2:
    """The tags of a page; of the first one if `offset` is None."""
    directory = ImageFileDirectory_v2(tiff[: 16 if tiff.startswith(_BIG_TIFF) else 8])
    stream = io.BytesIO(tiff)
    stream.seek(directory.next if offset is None else offset)
    directory.load(stream)
    return directory


def _beginning_at(tiff: bytes, offset: int) -> bytes:
    """The file with another first page."""
    at, length = (8, 8) if tiff.startswith(_BIG_TIFF) else (4, 4)
    place = offset.to_bytes(length, "little" if tiff.startswith(b"II") else "big")
    return tiff[:at] + place + tiff[at + length :]


def _kind(tags: Tags) -> str:
    """What a page is; "" if its tags are invalid."""
    compression, colours = tags.get(_COMPRESSION, 1), _COLOURS.get(tags.get(_PHOTOMETRIC, -1))
    bits = tags.get(_BITS, (1,))
    has_pixels = any(tag in tags for tag in (_STRIPS, _TILES, _OLD_JPEG))
    sizes = [tags.get(tag) for tag in (_WIDTH, _HEIGHT)]
    if not has_pixels or not all(isinstance(size, int) and size > 0 for size in sizes) or not isinstance(bits, tuple):
        return ""
    if compression not in _READ_COMPRESSIONS:
        return f"a TIFF image compressed with {_COMPRESSIONS.get(compression, f'method {compression}')}"
    if colours is None or not all(isinstance(count, int) for count in bits):
        return ""
    formats = tags.get(_SAMPLE_FORMAT, (1,))
    words = _FORMATS.get(formats[0], "") if isinstance(formats, tuple) else ""
    return f"a TIFF image of {colours} with {len(bits)} x {bits[0]}{words} bits"
