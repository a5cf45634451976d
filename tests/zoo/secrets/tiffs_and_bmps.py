"""TIFFs and BMPs with secrets."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin

from tests.zoo.jpeg_parts import segment
from tests.zoo.secrets.planted import (
    ARTIST,
    AUTHOR,
    COPYRIGHT,
    NOTICE,
    ORIENTATION,
    XMP,
    exif,
    iptc,
    photoshop,
    picture,
    secret,
)
from tests.zoo.specimen import saved

_COMPRESSION, _STRIPS, _STRIP_BYTES = 259, 273, 279


def _tiff_tags() -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag in (269, 270, 271, 272, 285, 305, 306, 316, 65000):
        tags[tag] = secret(f"tag {tag}").decode()
    tags[ARTIST], tags[COPYRIGHT] = AUTHOR, NOTICE
    for tag, data in ((700, XMP), (33723, iptc()), (34377, photoshop()), (37724, secret("layers"))):
        tags[tag] = data
        tags.tagtype[tag] = 1
    return tags


def tiff(mode: str = "RGB", orientation: int = 1, **save: Any) -> bytes:
    tags = _tiff_tags()
    tags[ORIENTATION] = orientation
    return saved(picture(mode), "TIFF", tiffinfo=tags, dpi=(300, 300), **save) + secret("trailing data")


def tiff_with_directories() -> bytes:
    """With the EXIF and GPS directories, which Pillow writes without compression only, and a second page."""
    made = exif()
    made[700] = XMP
    page = Image.frombytes("L", (40, 30), secret("second page").ljust(1200, b"-"))
    return saved(picture(), "TIFF", exif=made.tobytes(), save_all=True, append_images=[page])


def tiff_of_a_jpeg() -> bytes:
    """Its strip has a comment."""
    plain = saved(picture("L"), "TIFF", compression="jpeg", tiffinfo=_tiff_tags(), quality=60)
    return _with_strip(plain, lambda jpeg: jpeg[:2] + segment(0xFE, secret("comment in a strip")) + jpeg[2:])


def tiff_with_texts_for_numbers(*, deflated: bool = False) -> bytes:
    """A strip longer than its rows; and, unless libtiff has to read it, texts in tags that should hold numbers."""
    tags = _tiff_tags()
    for tag in () if deflated else (280, 290, 301, 318, 332, 336, 341, 529, 532):
        tags[tag] = secret(f"tag {tag}")
        tags.tagtype[tag] = 7
    longer = _with_strip(
        saved(picture("L"), "TIFF", tiffinfo=tags),
        lambda rows: (zlib.compress if deflated else bytes)(rows + secret("after the rows")),
    )
    return longer.replace(_entry(_COMPRESSION, 3, 1), _entry(_COMPRESSION, 3, 8)) if deflated else longer


def _with_strip(plain: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A TIFF whose only strip is changed, and stored at the end."""
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(plain)).tag_v2
    (start,), (length,) = tags[_STRIPS], tags[_STRIP_BYTES]
    strip = change(plain[start : start + length])
    out = plain
    for tag, old, new in ((_STRIPS, start, len(plain)), (_STRIP_BYTES, length, len(strip))):
        assert out.count(_entry(tag, 4, old)) == 1
        out = out.replace(_entry(tag, 4, old), _entry(tag, 4, new))
    return out + strip


def _entry(tag: int, kind: int, number: int) -> bytes:
    return struct.pack("<HHII", tag, kind, 1, number)


def bmp(mode: str = "RGB") -> bytes:
    plain = saved(picture(mode), "BMP", dpi=(300, 300))
    start = int.from_bytes(plain[10:14], "little")
    gap = secret("gap before the pixels").ljust(32, b"\0")
    head = plain[:6] + b"SECR" + (start + len(gap)).to_bytes(4, "little") + plain[14:start]
    return head + gap + plain[start:] + secret("trailing data")


def bmp_with_a_profile(kind: bytes) -> bytes:
    """Linked, or embedded but none; and a text in place of the numbers for the primaries."""
    rows = np.asarray(picture())[::-1, :, ::-1].tobytes()
    name = secret("profile's path") + b"\0"
    header = struct.pack("<IiiHHIIiiII", 124, 40, 30, 1, 24, 0, len(rows), 11811, 11811, 0, 0)
    header += bytes(16) + kind + secret("primaries").ljust(48, b"\0")
    header += struct.pack("<II", 4, 124 + len(rows)) + struct.pack("<I", len(name)) + b"SECR"
    return b"BM" + struct.pack("<IHHI", 138 + len(rows), 0, 0, 138) + header + rows + name
