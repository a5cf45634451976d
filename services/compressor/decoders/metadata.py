"""Select the metadata to keep: none, author and copyright, or all EXIF and XMP that is still true, and the density.

Author and copyright may also be in IPTC or in a PNG's text; from there they are copied into EXIF.
Orientation and thumbnail are never kept: pixels are turned upright, and the thumbnail shows the old picture.
The place where the picture was taken (GPS) is kept only by the policy "keep".
"""

import html
import re
from typing import Any, NamedTuple

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from services.compressor.decoders.density import Density, density_of
from services.compressor.decoders.gain_map import without_announcements
from services.compressor.decoders.jpeg_applications import JpegApplication
from shared.contracts.messages import MetadataPolicy

_IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)

# The tags of a TIFF that describe the picture; the others describe how its pixels are stored.
_DESCRIPTIVE = frozenset(
    {
        ExifTags.Base.ImageDescription,
        ExifTags.Base.Make,
        ExifTags.Base.Model,
        ExifTags.Base.Software,
        ExifTags.Base.DateTime,
        ExifTags.Base.Artist,
        ExifTags.Base.HostComputer,
        ExifTags.Base.Copyright,
        *_IFDS,
    }
)

# Equivalent fields: the EXIF tag, the Dublin Core property in XMP, the IPTC data set, and the keyword of a PNG's text.
_RIGHTS = (
    (ExifTags.Base.Artist, b"creator", (2, 80), "Author"),
    (ExifTags.Base.Copyright, b"rights", (2, 116), "Copyright"),
)
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]")


class Metadata(NamedTuple):
    """exif: from its TIFF header on, without the prefix that JPEG needs."""

    exif: bytes | None = None
    xmp: bytes | None = None
    density: Density | None = None


def metadata_to_keep(image: ImageFile.ImageFile, policy: MetadataPolicy, orientation: int) -> Metadata:
    """The metadata of a decoded image file that `policy` keeps. Broken metadata is dropped.

    orientation: which was applied to its pixels.
    """
    if policy == "strip":
        return Metadata()
    xmp = image.info.get("xmp")
    if not isinstance(xmp, bytes):
        xmp = None
    exif = _read_exif(image)
    rights = _rights(image, exif, xmp)
    if policy == "copyright":
        return Metadata(_serialise(rights))
    for tag, name, *_ in _RIGHTS:
        if _xmp_text(xmp, name) and not _exif_text(exif, tag):
            del rights[tag]  # the kept XMP contains it
    kept = _without_outdated_tags(exif, from_tiff=image.format == "TIFF")
    for right in rights:
        if not _exif_text(kept, right):  # cameras write blanks
            kept[right] = rights[right]
    xmp = xmp and without_announcements(xmp)
    xmp = xmp and _XMP_ORIENTATION.sub(rb"\g<1>1", xmp)
    return Metadata(_serialise(kept) or _serialise(rights), xmp, density_of(image, orientation))


def _read_exif(image: Image.Image) -> Image.Exif:
    try:
        return image.getexif()
    except Exception:
        return Image.Exif()  # the parser raises any exception for broken bytes


def _without_outdated_tags(exif: Image.Exif, *, from_tiff: bool) -> Image.Exif:
    """The EXIF without its orientation and, of a TIFF, without the tags about how pixels are stored."""
    kept = Image.Exif()
    try:
        for tag in exif:
            if tag != ExifTags.Base.Orientation and (tag in _DESCRIPTIVE or not from_tiff):
                kept[tag] = exif.get_ifd(tag) if tag in _IFDS else _original_bytes(exif[tag], tag)
    except Exception:
        return Image.Exif()
    return kept


def _rights(image: ImageFile.ImageFile, exif: Image.Exif, xmp: bytes | None) -> Image.Exif:
    """Author and copyright: those of EXIF, else of XMP, IPTC or a PNG's text."""
    rights = Image.Exif()
    iptc = _read_iptc(image)
    for tag, name, data_set, keyword in _RIGHTS:
        text = _xmp_text(xmp, name) or _iptc_text(iptc, data_set) or _png_text(image, keyword)
        if value := _original_bytes(_exif_text(exif, tag), tag) or text.encode():
            rights[tag] = value
    return rights


def _original_bytes(value: Any, tag: int) -> Any:
    """Text as the bytes in the file. Pillow decodes them as Latin-1, which most are not, and would write ASCII only."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and tag in _DESCRIPTIVE else value


def _exif_text(exif: Image.Exif, tag: int) -> str:
    try:
        value = exif.get(tag)
    except Exception:
        return ""
    return value.strip("\0 ") if isinstance(value, str) else ""


def _xmp_text(xmp: bytes | None, name: bytes) -> str:
    """All entries of a Dublin Core list, such as several creators."""
    found = re.search(rb"<dc:%b[\s>](.*?)</dc:%b>" % (name, name), xmp or b"", re.DOTALL)
    entries = re.findall(rb"<rdf:li[^>]*>([^<]*)</rdf:li>", found[1]) if found else []
    return "; ".join(html.unescape(entry.decode("utf-8", "replace")).strip() for entry in entries)


def _read_iptc(image: ImageFile.ImageFile) -> dict[tuple[int, int], Any]:
    try:
        return IptcImagePlugin.getiptcinfo(image) or {}
    except Exception:
        return {}


def _iptc_text(iptc: dict[tuple[int, int], Any], data_set: tuple[int, int]) -> str:
    value = iptc.get(data_set)
    values = value if isinstance(value, list) else [value]
    return "; ".join(entry.decode("utf-8", "replace").strip() for entry in values if isinstance(entry, bytes))


def _png_text(image: ImageFile.ImageFile, keyword: str) -> str:
    """The text of a tEXt, zTXt or iTXt chunk."""
    text = image.info.get(keyword) if image.format == "PNG" else None
    return text.strip("\0 ") if isinstance(text, str) else ""


def _serialise(exif: Image.Exif) -> bytes | None:
    if not exif:
        return None
    try:
        return exif.tobytes().removeprefix(JpegApplication.EXIF.header)
    except Exception:
        return None
