"""Tell from its first thousand bytes whether a file is an image, and if not, what it is. Pure.

Hosts answer 200 with a page that says "not found", and declare pictures as text; so what they declare decides nothing.
Every kind of image passes: what to do with an unusual one is for the compressor to say.
"""

import codecs
import re

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"II+\0", "image/tiff"),
    (0, b"MM\0+", "image/tiff"),
    (0, b"\0\0\x01\0", "image/x-icon"),
    (0, b"8BPS", "image/vnd.adobe.photoshop"),
    (0, b"\xff\x0a", "image/jxl"),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/jp2"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftyphev", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypmsf1", "image/heif"),
)
_OTHER_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip data"),
)
_BMP_HEADER_SIZES = {12, 40, 52, 56, 64, 108, 124}
_HTML = re.compile(rb"<(!doctype html|html|head|body|title|meta|script|h1|p|div|center)\b")

_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def image_type(head: bytes) -> str | None:
    """The media type of the image that begins with `head`, or None if it is no image."""
    for offset, magic, media_type in _MAGIC:
        if head.startswith(magic, offset):
            return media_type
    if head.startswith(b"RIFF") and head.startswith(b"WEBP", 8):
        return "image/webp"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "image/bmp"
    if _is_svg(_as_markup(head)):
        return "image/svg+xml"
    return None


def describe(head: bytes) -> str:
    """What begins with `head`, as far as it shows, in words that follow "is"; for what `image_type` does not know."""
    if not head:
        return "empty"
    for magic, words in _OTHER_MAGIC:
        if head.startswith(magic):
            return words
    markup = _as_markup(head)
    if _HTML.match(markup):
        return "an HTML page"
    if markup.startswith(b"<"):
        return "XML"
    if not _is_text(head):
        return "no known kind of file"
    return "JSON" if markup.startswith((b"{", b"[")) else "text"


def _as_markup(head: bytes) -> bytes:
    return head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()


def _is_svg(markup: bytes) -> bool:
    return markup.startswith(b"<") and b"<svg" in markup and not _HTML.search(markup)


def _is_text(head: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return not _NOT_IN_TEXT.search(text)
