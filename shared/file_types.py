"""Identify a file's type by its first bytes. Pure.

Hosts serve HTML pages as images and images as text, so a declared media type decides nothing.
No library serves: `filetype` 1.2 (2022, untyped) and `puremagic` 1.30 both take the text "BMW" for a bitmap; the first
knows no HTML, SVG or JSON, the second takes AVIF for a video, and its newer releases need Python 3.12.
"""

import codecs
import re
from typing import NamedTuple

HEAD_BYTES = 1024
"""`file_type` reads at most this many bytes."""


class FileType(NamedTuple):
    """What a file is.

    name: the format's usual spelling, such as "WebP".
    description: for people, in words that follow "is".
    media_type: of an image; None for everything else.
    """

    name: str
    description: str
    media_type: str | None = None


def _image(name: str, media_type: str, article: str = "a") -> FileType:
    return FileType(name, f"{article} {name} image", media_type)


JPEG = _image("JPEG", "image/jpeg")
PNG = _image("PNG", "image/png")
GIF = _image("GIF", "image/gif")
WEBP = _image("WebP", "image/webp")
AVIF = _image("AVIF", "image/avif", "an")
TIFF = _image("TIFF", "image/tiff")
BMP = _image("BMP", "image/bmp")
PDF = FileType("PDF", "a PDF document")
RIFF = FileType("RIFF", "a RIFF file")
OLE = FileType("OLE", "an Office document (OLE)")
ZIP = FileType("ZIP", "a ZIP archive")
GZIP = FileType("gzip", "gzip data")
ZSTD = FileType("zstd", "zstd data")
XZ = FileType("xz", "xz data")
RAR = FileType("RAR", "a RAR archive")
SEVEN_ZIP = FileType("7z", "a 7z archive")
POSTSCRIPT = FileType("PostScript", "a PostScript document")

_JPEG_XL = _image("JPEG XL", "image/jxl")
_JPEG_2000 = _image("JPEG 2000", "image/jp2")
_SVG = _image("SVG", "image/svg+xml", "an")
_HEIC = _image("HEIC", "image/heic")
_HEIF = _image("HEIF", "image/heif")
_VIDEO = FileType("video", "a video")
_ISO_MEDIA = FileType("ISO media", "a media file of an unknown type")
_ICO = FileType("ICO", "an icon", "image/x-icon")
_CUR = FileType("CUR", "a cursor", "image/x-icon")
_PSD = FileType("PSD", "a Photoshop document", "image/vnd.adobe.photoshop")
_XCF = FileType("XCF", "a GIMP document", "image/x-xcf")
_QOI = _image("QOI", "image/qoi")
_DDS = FileType("DDS", "a DDS texture", "image/vnd.ms-dds")
_HTML = FileType("HTML", "an HTML page")
_XML = FileType("XML", "XML")
_MARKUP = FileType("markup", "markup")
_JSON = FileType("JSON", "JSON")
_TEXT = FileType("text", "text")
_EMPTY = FileType("empty", "empty")
_UNKNOWN = FileType("unknown", "binary data of an unknown type")

_SIGNATURES: tuple[tuple[bytes, FileType], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),  # BigTIFF
    (b"MM\0+", TIFF),
    (b"\0\0\x01\0", _ICO),
    (b"\xff\x0a", _JPEG_XL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", _JPEG_XL),
    (b"\xff\x4f\xff\x51", _JPEG_2000),
    (b"\0\0\0\x0cjP  \r\n\x87\n", _JPEG_2000),
    (b"\x8aMNG\r\n\x1a\n", FileType("MNG", "an MNG animation", "image/x-mng")),
    (b"\x1aE\xdf\xa3", _VIDEO),  # Matroska and WebM
    (b"\0\0\x01\xba", _VIDEO),  # MPEG programme stream
    (b"FLV\x01", _VIDEO),
    (b"%PDF-", PDF),
    (b"%!PS", POSTSCRIPT),
    (b"\xc5\xd0\xd3\xc6", POSTSCRIPT),
    (b"\xd0\xcf\x11\xe0", OLE),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),  # an empty one
    (b"Rar!\x1a\x07", RAR),
    (b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (b"\x1f\x8b", GZIP),
    (b"(\xb5/\xfd", ZSTD),
    (b"\xfd7zXZ\0", XZ),
)
# The signature alone may begin a text or another format, so a second field of the header is checked too.
_HEADERS: tuple[tuple[re.Pattern[bytes], FileType], ...] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb"\0\0\x02\0(?!\0\0).{5}\0", _CUR),  # number of cursors, reserved byte of the first; 0 in a TGA
        (rb"8BPS\0[\x01\x02]", _PSD),  # version
        (rb"gimp xcf (?:file|v\d{3})\0", _XCF),  # version
        (rb"qoif.{8}[\x03\x04][\x00\x01]", _QOI),  # width and height, channels, colour space
        (rb"DDS \x7c\0\0\0", _DDS),  # size of the header
        (rb"BM.{12}[\x0c\x10-\x40\x6c\x7c]\0\0\0", BMP),  # size of the header
    )
)
_RIFF_FORMS = {b"WEBP": WEBP, b"AVI ": _VIDEO}

_AVIF_BRANDS = frozenset((b"avif", b"avis"))  # one of them suffices, as in browsers; the major brand may be any
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_HEIF_BRANDS = frozenset((b"mif1", b"msf1", b"mif2"))
_VIDEO_BRANDS = frozenset(
    (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp4", b"3gp5")
)
_MAX_FILE_TYPE_BOX_BYTES = 256

_TAG = re.compile(rb"<(svg|!doctype html|html|head|body|title|meta|script|h1|p|div|center)\b")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_HTML_ROOTS = (b"!doctype html", b"html")
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")  # "binary data bytes" of the WHATWG's MIME Sniffing, 3


def file_type(data: bytes) -> FileType:
    """The type of the file that begins with `data`; the rest of the file may still be broken."""
    head = data[:HEAD_BYTES]
    if not head:
        return _EMPTY
    return binary_type(head) or _markup(head) or _text(head) or _UNKNOWN


def binary_type(data: bytes) -> FileType | None:
    """The type of a binary file by its signature; None if it has no known one."""
    signed = next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), None)
    return signed or next((kind for header, kind in _HEADERS if header.match(data)), None) or _container(data)


def _container(head: bytes) -> FileType | None:
    if head.startswith(b"RIFF"):
        return _RIFF_FORMS.get(head[8:12], RIFF)
    # The first byte is that of the size of a short box; a text may have these letters too ("Stofftyp").
    return _of_brands(_brands(head)) if head[:1] == b"\0" and head[4:8] == b"ftyp" else None


def _brands(head: bytes) -> list[bytes]:
    """The major brand of an ISO base media file, then its compatible brands (ISO 14496-12, 4.3)."""
    end = min(int.from_bytes(head[:4], "big"), _MAX_FILE_TYPE_BOX_BYTES, len(head))
    return [head[8:12], *(head[at : at + 4] for at in range(16, end - 3, 4))]


def _of_brands(brands: list[bytes]) -> FileType:
    if not _AVIF_BRANDS.isdisjoint(brands):
        return AVIF
    for brand in brands:
        if brand in _HEIC_BRANDS or (brand in _HEIF_BRANDS and b"heic" in brands):
            return _HEIC
        if brand in _HEIF_BRANDS:
            return _HEIF
        if brand in _VIDEO_BRANDS:
            return _VIDEO
    return _ISO_MEDIA


def _markup(head: bytes) -> FileType | None:
    text = _without_leading_space(head).lower()
    if not text.startswith(b"<"):
        return None
    text = _COMMENT.sub(b"", text).lstrip()
    tag = _TAG.search(text)
    if tag and tag[1] == b"svg":
        return _SVG
    if tag and (tag.start() == 0 or tag[1] in _HTML_ROOTS):
        return _HTML
    return _XML if text.startswith(b"<?xml") else _MARKUP


def _text(head: bytes) -> FileType | None:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # accepts a character that is cut off at the end
    except UnicodeDecodeError:
        return None
    if _BINARY.search(text):
        return None
    is_json = _without_leading_space(head).startswith((b"{", b"["))
    return _JSON if is_json else _TEXT


def _without_leading_space(head: bytes) -> bytes:
    return head.removeprefix(codecs.BOM_UTF8).lstrip()
