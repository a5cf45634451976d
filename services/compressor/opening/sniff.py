"""Tell what bytes are that are no picture we compress, so that the report can say it."""

_MAGIC = (
    (0, b"GIF8", "a GIF"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
    (0, b"II+\0", "a TIFF"),
    (0, b"MM\0+", "a TIFF"),
    (0, b"BM", "a BMP"),
    (0, b"\0\0\x01\0", "an icon"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\xff\x0a", "a JPEG XL"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000"),
    (4, b"ftypavi", "an AVIF"),
    (4, b"ftyphei", "a HEIC"),
    (4, b"ftyphev", "a HEIC"),
    (4, b"ftypmif1", "a HEIF"),
    (4, b"ftypmsf1", "a HEIF"),
)
_MARKUP = ((b"<!doctype html", "an HTML page"), (b"<html", "an HTML page"), (b"<svg", "an SVG"), (b"<?xml", "XML"))
_SUPPORTED = ((0, b"\xff\xd8\xff", "JPEG"), (0, b"\x89PNG\r\n\x1a\n", "PNG"), (8, b"WEBP", "WebP"))
_HEAD_BYTES = 1024


def supported_format(data: bytes) -> str | None:
    """The format whose first bytes these are, if it is one we compress; the rest may still be broken."""
    return next((name for at, magic, name in _SUPPORTED if data.startswith(magic, at)), None)


def describe(data: bytes) -> str:
    """What the bytes seem to be, in words that follow "is"."""
    for at, magic, name in _MAGIC:
        if data.startswith(magic, at):
            return name
    head = data[:_HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if head.startswith(b"<"):
        return next((name for tag, name in _MARKUP if tag in head), "markup")
    return "no known picture"
