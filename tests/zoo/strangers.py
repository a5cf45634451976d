"""Files that are no picture to compress: of other kinds, and broken ones."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

from PIL import TiffImagePlugin

from tests.zoo.gifs import GIFS
from tests.zoo.jpegs import JPEGS
from tests.zoo.pngs import PNGS, SIGNATURE, chunk, header
from tests.zoo.specimen import drawn, saved
from tests.zoo.tiffs_and_bmps import TIFFS_AND_BMPS
from tests.zoo.webps_and_avifs import WEBPS_AND_AVIFS

_STRIPS, _STRIP_BYTES = 273, 279

# Content, and what it is said to be.
STRANGERS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "page.jpg": (b"\xef\xbb\xbf\n<!DOCTYPE html><html><body>Not found, sorry</body></html>", "an HTML page"),
    "drawing": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG image"),
    "list": (b'<?xml version="1.0"?>\n<rss/>', "XML"),
    "answer": (b'{"error": "not found"}', "JSON"),
    "words": ("Für später\n".encode(), "text"),
    "words of two letters": (b"BMW sells cars", "text"),
    "noise": (b"\x01\x02\x03\x04\x80\x81" * 10, "binary data of an unknown type"),
    "zeros": (b"\0" * 100, "binary data of an unknown type"),
    "photoshop": (b"8BPS\0\x01" + b"\0" * 40, "a Photoshop document"),
    "phone": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40, "a HEIC image"),
    "film": (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + b"\0" * 40, "a video"),
    "matroska": (b"\x1aE\xdf\xa3" + b"\0" * 40, "a video"),
    "jpeg xl": (b"\xff\x0a" + b"\0" * 40, "a JPEG XL image"),
    "boxed jpeg xl": (b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0" * 40, "a JPEG XL image"),
    "jpeg 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 40, "a JPEG 2000 image"),
    "icon": (b"\0\0\x01\0\x01\0" + b"\0" * 40, "an icon"),
    "document": (b"%PDF-1.7\n" + b"\0" * 40, "a PDF document"),
    "archive": (b"PK\x03\x04" + b"\0" * 40, "a ZIP archive"),
}


def _cut_and_closed(jpeg: bytes) -> bytes:
    return jpeg[: len(jpeg) * 2 // 3] + b"\xff\xd9"


def _hole(data: bytes) -> bytes:
    middle = len(data) * 2 // 3
    return data[:middle] + b"\0" * 40 + data[middle + 40 :]


def _few_rows() -> bytes:
    rows = zlib.compress(b"\0" * (1 + 3 * 64) * 20)
    return SIGNATURE + header(64, 48) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _wrong_checksum() -> bytes:
    png = bytearray(PNGS["png colour 8 bit"]().data)
    png[-13] ^= 1  # the last byte of the pixels' checksum
    return bytes(png)


def _swollen_text() -> bytes:
    """A text of 70 MB in a chunk of 70 kB."""
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b" " * 70_000_000, 9))
    return PNGS["png colour 8 bit"]().data.replace(chunk(b"IEND", b""), text + chunk(b"IEND", b""))


def _frame_missing() -> bytes:
    png = PNGS["png animated"]().data
    last = png.rindex(b"fcTL") - 4
    return png[:last] + chunk(b"IEND", b"")


def _frame_with_few_rows() -> bytes:
    png = PNGS["png animated in patches"]().data
    at = png.rindex(b"fdAT") - 4
    rows = zlib.compress(b"\0" * (1 + 3 * 20) * 4)
    return png[:at] + chunk(b"fdAT", struct.pack(">I", 6) + rows) + chunk(b"IEND", b"")


def _gif_frame_cut() -> bytes:
    """Its last frame ends in the middle, but blocks and file are closed."""
    gif = GIFS["gif animated for ever"]().data
    end = gif.rindex(b"\0;")
    at = end - 255
    size = gif[at]
    while size != 255:  # the start of the last full block
        at -= 1
        size = gif[at]
    return gif[:at] + b"\0;"


def _gif_between_frames() -> bytes:
    gif = GIFS["gif animated for ever"]().data
    return gif[: gif.rindex(b"!\xf9\x04")]


def _tiff_with_a_hole(compression: str) -> bytes:
    tiff = saved(drawn(), "TIFF", compression=compression)
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(tiff)).tag_v2
    middle = tags[_STRIPS][0] + tags[_STRIP_BYTES][0] // 2
    return tiff[:middle] + b"\0" * 20 + tiff[middle + 20 :]


def _tiff_with_a_strip_missing() -> bytes:
    """Pixels for a third of the rows that it says it has."""
    tiff = TIFFS_AND_BMPS["tiff"]().data
    rows = struct.pack("<HHI", 278, 4, 1)
    assert rows in tiff
    at = tiff.index(rows) + len(rows)
    return tiff[:at] + struct.pack("<I", 16) + tiff[at + 4 :]


# Broken though the beginning is sound, and though Pillow lets some of them through.
BROKEN: dict[str, Callable[[], bytes]] = {
    "jpeg cut and closed": lambda: _cut_and_closed(saved(drawn(), "JPEG", quality=95)),
    "jpeg progressive cut and closed": lambda: _cut_and_closed(saved(drawn(), "JPEG", quality=95, progressive=True)),
    "jpeg CMYK cut and closed": lambda: _cut_and_closed(JPEGS["jpeg CMYK"]().data),
    "jpeg with a hole": lambda: _hole(saved(drawn(), "JPEG", quality=95)),
    "jpeg without a scan": lambda: saved(drawn(), "JPEG").split(b"\xff\xda")[0] + b"\xff\xd9",
    "jpeg header": lambda: b"\xff\xd8\xff\xe0",
    "png header": lambda: SIGNATURE,
    "png without rows": lambda: SIGNATURE + header(64, 48) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""),
    "png with few rows": _few_rows,
    "png without its end": lambda: PNGS["png colour 8 bit"]().data[:-12],
    "png with a wrong checksum": _wrong_checksum,
    "png with a hole": lambda: _hole(PNGS["png colour 8 bit"]().data),
    "png with a swollen text": _swollen_text,
    "png with a frame missing": _frame_missing,
    "png with a frame of few rows": _frame_with_few_rows,
    "gif with a frame cut": _gif_frame_cut,
    "gif cut between frames": _gif_between_frames,
    "gif header": lambda: b"GIF89a",
    "webp header": lambda: b"RIFF\x10\0\0\0WEBPVP8 ",
    "webp cut": lambda: WEBPS_AND_AVIFS["webp"]().data[:-100],
    "avif cut": lambda: WEBPS_AND_AVIFS["avif"]().data[:-20],
    "tiff header": lambda: b"II*\0\x08\0\0\0",
    "tiff jpeg with a hole": partial(_tiff_with_a_hole, "jpeg"),
    "tiff deflate with a hole": partial(_tiff_with_a_hole, "tiff_adobe_deflate"),
    "tiff with a strip missing": _tiff_with_a_strip_missing,
    "bmp of an unknown depth": lambda: TIFFS_AND_BMPS["bmp"]().data.replace(b"\x01\0\x18\0", b"\x01\0\x07\0", 1),
    "bmp cut": lambda: TIFFS_AND_BMPS["bmp"]().data[:-100],
    "bmp run lengths cut": lambda: TIFFS_AND_BMPS["bmp run lengths"]().data[:-100],
}
