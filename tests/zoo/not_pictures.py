"""Files that must be refused: those of unsupported types, and broken pictures."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import partial

from PIL import TiffImagePlugin

from tests.zoo import odd_bmps, odd_gifs, odd_pngs, odd_tiffs
from tests.zoo.gifs import GIFS
from tests.zoo.jpegs import JPEGS
from tests.zoo.pngs import INDEXED, PNGS, SIGNATURE, chunk, header
from tests.zoo.specimen import HEIGHT, gradient, saved
from tests.zoo.tiffs_and_bmps import TIFFS_AND_BMPS, runs_out_of_the_picture
from tests.zoo.webps_and_avifs import WEBPS_AND_AVIFS

_STRIPS, _STRIP_BYTES = 273, 279


def _jpeg_with_frame(marker: int, precision: int = 8, height: int = HEIGHT) -> bytes:
    jpeg = saved(gradient(), "JPEG")
    at = jpeg.index(b"\xff\xc0")
    return (
        jpeg[: at + 1]
        + bytes((marker,))
        + jpeg[at + 2 : at + 4]
        + struct.pack(">BH", precision, height)
        + jpeg[at + 7 :]
    )


# Content, and how the error describes it.
UNSUPPORTED: dict[str, tuple[bytes, str]] = {
    "empty file": (b"", "empty"),
    "jpeg of 12 bits": (_jpeg_with_frame(0xC1, precision=12), "a JPEG of 12 bits per sample"),
    "jpeg, lossless": (_jpeg_with_frame(0xC3), "a lossless JPEG"),
    "jpeg, hierarchical": (_jpeg_with_frame(0xC5), "a hierarchical JPEG"),
    "jpeg-ls": (_jpeg_with_frame(0xF7), "a JPEG-LS image"),
    "jpeg whose height follows the scan": (_jpeg_with_frame(0xC0, height=0), "a JPEG whose header lacks the height"),
    "page.jpg": (b"\xef\xbb\xbf\n<!DOCTYPE html><html><body>Not found, sorry</body></html>", "an HTML page"),
    "svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG image"),
    "rss feed": (b'<?xml version="1.0"?>\n<rss/>', "XML"),
    "json": (b'{"error": "not found"}', "JSON"),
    "text": ("Für später\n".encode(), "text"),
    "text that begins with BM": (b"BMW sells cars", "text"),
    "binary noise": (b"\x01\x02\x03\x04\x80\x81" * 10, "binary data of an unknown type"),
    "zeros": (b"\0" * 100, "binary data of an unknown type"),
    "photoshop": (b"8BPS\0\x01" + b"\0" * 40, "a Photoshop document"),
    "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40, "a HEIC image"),
    "mp4": (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + b"\0" * 40, "a video"),
    "matroska": (b"\x1aE\xdf\xa3" + b"\0" * 40, "a video"),
    "jpeg xl": (b"\xff\x0a" + b"\0" * 40, "a JPEG XL image"),
    "jpeg xl in a container": (b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0" * 40, "a JPEG XL image"),
    "jpeg 2000": (b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0" * 40, "a JPEG 2000 image"),
    "icon": (b"\0\0\x01\0\x01\0" + b"\0" * 40, "an icon"),
    "pdf": (b"%PDF-1.7\n" + b"\0" * 40, "a PDF document"),
    **odd_bmps.UNSUPPORTED_BMPS,
    **odd_tiffs.UNREAD_TIFFS,
    "zip": (b"PK\x03\x04" + b"\0" * 40, "a ZIP archive"),
}


def _truncated_with_end_marker(jpeg: bytes) -> bytes:
    return jpeg[: len(jpeg) * 2 // 3] + b"\xff\xd9"


def _zeroed_bytes(data: bytes) -> bytes:
    middle = len(data) * 2 // 3
    return data[:middle] + b"\0" * 40 + data[middle + 40 :]


def _missing_rows() -> bytes:
    rows = zlib.compress(b"\0" * (1 + 3 * 64) * 20)
    return SIGNATURE + header(64, 48) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _png_with_wrong_checksum(name: bytes, content: bytes) -> bytes:
    """In a chunk that browsers ignore then, though it affects what is shown."""
    png = PNGS["png colour 8 bit"]().data
    after_header = len(SIGNATURE + header(64, 48))
    return png[:after_header] + odd_pngs.wrong_checksum(chunk(name, content)) + png[after_header:]


def _missing_frame() -> bytes:
    png = PNGS["png animated"]().data
    last = png.rindex(b"fcTL") - 4
    return png[:last] + chunk(b"IEND", b"")


def _missing_rows_in_frame() -> bytes:
    png = PNGS["png animated with partial frames"]().data
    at = png.rindex(b"fdAT") - 4
    rows = zlib.compress(b"\0" * (1 + 3 * 20) * 4)
    return png[:at] + chunk(b"fdAT", struct.pack(">I", 6) + rows) + chunk(b"IEND", b"")


def _gif_truncated_frame() -> bytes:
    """The last frame is incomplete, but its blocks and the file have their end markers."""
    gif = GIFS["gif animated for ever"]().data
    end = gif.rindex(b"\0;")
    at = end - 255
    size = gif[at]
    while size != 255:  # the start of the last full block
        at -= 1
        size = gif[at]
    return gif[:at] + b"\0;"


def _tiff_with_zeroed_bytes(compression: str) -> bytes:
    tiff = saved(gradient(), "TIFF", compression=compression)
    tags = TiffImagePlugin.TiffImageFile(io.BytesIO(tiff)).tag_v2
    middle = tags[_STRIPS][0] + tags[_STRIP_BYTES][0] // 2
    return tiff[:middle] + b"\0" * 20 + tiff[middle + 20 :]


def _tiff_with_missing_strip() -> bytes:
    """Pixels for a third of the declared rows."""
    tiff = TIFFS_AND_BMPS["tiff"]().data
    rows = struct.pack("<HHI", 278, 4, 1)
    assert rows in tiff
    at = tiff.index(rows) + len(rows)
    return tiff[:at] + struct.pack("<I", 16) + tiff[at + 4 :]


# Broken pictures with a valid beginning. Pillow accepts some of them.
BROKEN: dict[str, Callable[[], bytes]] = {
    "jpeg truncated, with an end marker": lambda: _truncated_with_end_marker(saved(gradient(), "JPEG", quality=95)),
    "jpeg progressive, truncated, with an end marker": lambda: _truncated_with_end_marker(
        saved(gradient(), "JPEG", quality=95, progressive=True)
    ),
    "jpeg CMYK, truncated, with an end marker": lambda: _truncated_with_end_marker(JPEGS["jpeg CMYK"]().data),
    "jpeg with zeroed bytes": lambda: _zeroed_bytes(saved(gradient(), "JPEG", quality=95)),
    "jpeg 4:1:0, truncated, with an end marker": lambda: _truncated_with_end_marker(JPEGS["jpeg 4:1:0"]().data),
    "jpeg with oddities, truncated, with an end marker": lambda: _truncated_with_end_marker(
        JPEGS["jpeg with oddity: many at once"]().data
    ),
    "jpeg with zeros in place of its end": lambda: (
        saved(gradient(), "JPEG", quality=95)[:-200] + bytes(198) + b"\xff\xd9"
    ),
    "jpeg whose last component has no scan": lambda: (
        JPEGS["jpeg 4:4:0"]().data.rpartition(b"\xff\xda")[0] + b"\xff\xd9"
    ),
    "jpeg without a scan": lambda: saved(gradient(), "JPEG").split(b"\xff\xda")[0] + b"\xff\xd9",
    "jpeg header": lambda: b"\xff\xd8\xff\xe0",
    "png header": lambda: SIGNATURE,
    "png without rows": lambda: SIGNATURE + header(64, 48) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""),
    "png with missing rows": _missing_rows,
    "png with many missing rows": odd_pngs.many_missing_rows,
    "png truncated": lambda: PNGS["png colour 8 bit"]().data[:-90],
    "png with two wrong checksums": odd_pngs.both_checksums_wrong,
    "png with a wrong checksum in tRNS": lambda: _png_with_wrong_checksum(b"tRNS", bytes(6)),
    "png with a wrong checksum in acTL": lambda: _png_with_wrong_checksum(b"acTL", struct.pack(">II", 2, 0)),
    "png with a single frame without pixels": odd_pngs.single_frame_without_pixels,
    "png damaged behind its last row": odd_pngs.damaged_behind_the_last_row,
    "png of an unknown colour type": odd_pngs.unknown_colours,
    "png without a palette": lambda: (
        SIGNATURE + header(64, 48, 8, INDEXED) + chunk(b"IDAT", zlib.compress(bytes(65 * 48))) + chunk(b"IEND", b"")
    ),
    "png with an empty palette": lambda: (
        SIGNATURE
        + header(64, 48, 8, INDEXED)
        + chunk(b"PLTE", b"")
        + chunk(b"IDAT", zlib.compress(bytes(65 * 48)))
        + chunk(b"IEND", b"")
    ),
    "png with zeroed bytes": lambda: _zeroed_bytes(PNGS["png colour 8 bit"]().data),
    "png with a missing frame": _missing_frame,
    "png with missing rows in a frame": _missing_rows_in_frame,
    "gif with a truncated frame": _gif_truncated_frame,
    "gif truncated after a control block": odd_gifs.truncated_control_block,
    "gif truncated in its last row": lambda: GIFS["gif"]().data[:-12],
    "gif with LZW codes of nine bits": odd_gifs.codes_of_nine_bits,
    "gif of empty frames": odd_gifs.only_empty_frames,
    "gif with a screen of 0 x 0 and no frame": odd_gifs.empty_screen_without_frames,
    "gif header": lambda: b"GIF89a",
    "webp header": lambda: b"RIFF\x10\0\0\0WEBPVP8 ",
    "webp truncated": lambda: WEBPS_AND_AVIFS["webp"]().data[:-100],
    "avif truncated": lambda: WEBPS_AND_AVIFS["avif"]().data[:-20],
    "tiff header": lambda: b"II*\0\x08\0\0\0",
    "tiff jpeg with zeroed bytes": partial(_tiff_with_zeroed_bytes, "jpeg"),
    "tiff deflate with zeroed bytes": partial(_tiff_with_zeroed_bytes, "tiff_adobe_deflate"),
    "tiff with a damaged old-style JPEG": odd_tiffs.damaged_old_jpeg,
    "tiff with a thumbnail before a truncated page": odd_tiffs.thumbnail_before_a_truncated_page,
    "tiff with a missing strip": _tiff_with_missing_strip,
    "bmp with an unknown depth": lambda: TIFFS_AND_BMPS["bmp"]().data.replace(b"\x01\0\x18\0", b"\x01\0\x07\0", 1),
    "bmp with overlapping masks": odd_bmps.overlapping_masks,
    "bmp with masks that have gaps": odd_bmps.masks_with_gaps,
    "bmp with masks, truncated": odd_bmps.masked_and_truncated,
    "bmp without rows": odd_bmps.empty_with_masks,
    "bmp truncated": lambda: TIFFS_AND_BMPS["bmp"]().data[:-100],
    "bmp with runs out of the picture": runs_out_of_the_picture,
    "bmp run-length encoded, truncated": lambda: TIFFS_AND_BMPS["bmp run-length encoded"]().data[:-100],
}
