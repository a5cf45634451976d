"""Tell what bytes are by their beginning: a picture we open, or what else, so that the report can say it."""

_AVIF_BRANDS = (b"avif", b"avis")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2")
_VIDEO_BRANDS = (
    b"isom",
    b"iso2",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"qt  ",
    b"3gp4",
    b"3gp5",
)

_SUPPORTED = (
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (8, b"WEBP", "WebP"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (0, b"II*\0", "TIFF"),
    (0, b"MM\0*", "TIFF"),
    (0, b"II+\0", "TIFF"),
    (0, b"MM\0+", "TIFF"),
)
_MAGIC = (
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"\0\0\x02\0", "a cursor"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\xff\x0a", "a JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (0, b"%PDF-", "a PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"\xc5\xd0\xd3\xc6", "PostScript"),
    (0, b"\x8aMNG\r\n\x1a\n", "an MNG"),
    (0, b"qoif", "a QOI picture"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"gimp xcf", "a GIMP document"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"\0\0\x01\xba", "a video"),
    (8, b"AVI ", "a video"),
    (0, b"FLV\x01", "a video"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "a zip archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
)
_MARKUP = ((b"<svg", "an SVG"), (b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"), (b"<?xml", "XML"))
_HEAD_BYTES = 1024
_BITMAP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def supported_format(data: bytes) -> str | None:
    """The format whose first bytes these are, if it is one we open; the rest may still be broken."""
    if name := _by_magic(data, _SUPPORTED):
        return name
    if data[4:8] == b"ftyp" and any(brand in _AVIF_BRANDS for brand in _brands(data)):
        return "AVIF"
    # Two letters are little to go by: a text may begin with them.
    if data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BITMAP_HEADERS:
        return "BMP"
    return None


def describe(data: bytes) -> str:
    """What the bytes seem to be, in words that follow "is"."""
    if not data:
        return "empty"
    return _by_magic(data, _MAGIC) or _of_boxes(data) or _text(data) or "no known picture"


def _by_magic(data: bytes, table: tuple[tuple[int, bytes, str], ...]) -> str | None:
    return next((name for at, magic, name in table if data.startswith(magic, at)), None)


def _brands(data: bytes) -> list[bytes]:
    """What an ISO base media file says it is: its major brand, then those it is compatible with (ISO 14496-12, 4.3)."""
    end = min(int.from_bytes(data[:4], "big"), 256, len(data))
    return [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]


def _of_boxes(data: bytes) -> str | None:
    if data[4:8] != b"ftyp":
        return None
    for brand in _brands(data):
        if brand in _HEIF_BRANDS:
            return "a HEIC" if brand.startswith((b"hei", b"hev")) or b"heic" in _brands(data) else "a HEIF"
        if brand in _VIDEO_BRANDS:
            return "a video"
    return "an unknown media file"


def _text(data: bytes) -> str | None:
    head = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith(b"<"):
        return next((name for tag, name in _MARKUP if tag in head), "markup")
    if not _is_text(data[:_HEAD_BYTES]):
        return None
    return "JSON" if head.startswith((b"{", b"[")) else "text"


def _is_text(head: bytes) -> bool:
    try:
        decoded = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # a character cut at the end of what we look at is no sign
            return False
        decoded = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character.isspace() for character in decoded)
