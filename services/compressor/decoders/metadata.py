"""What of an original's metadata is kept: nothing, who made it and whose it is, or its EXIF and XMP as they still hold.

Who made it and whose it is may also stand in IPTC or in a PNG's text; from there it goes into the EXIF.
Pixels are turned upright, so no orientation travels, and no thumbnail either: it would be of the picture as it was.
Where a picture was taken (GPS) travels only with "keep".
"""

import html
import re
from typing import Any, NamedTuple

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from shared.contracts.messages import MetadataPolicy

_EXIF_PREFIX = b"Exif\0\0"
_IFDS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)

# The tags of a TIFF that describe what is seen; the others say how its pixels are stored.
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

# EXIF's tag, the property of Dublin Core in XMP, the data set of IPTC and the keyword in a PNG that say the same.
_RIGHTS = (
    (ExifTags.Base.Artist, b"creator", (2, 80), "Author"),
    (ExifTags.Base.Copyright, b"rights", (2, 116), "Copyright"),
)
_XMP_ORIENTATION = re.compile(rb"(tiff:Orientation\s*(?:=\s*[\"']|>)\s*)[2-8]")


class Metadata(NamedTuple):
    """exif: from its TIFF header on."""

    exif: bytes | None = None
    xmp: bytes | None = None


def kept(image: ImageFile.ImageFile, policy: MetadataPolicy) -> Metadata:
    """Of an image file that Pillow has decoded. What is broken is left out."""
    if policy == "strip":
        return Metadata()
    xmp = image.info.get("xmp")
    if not isinstance(xmp, bytes):
        xmp = None
    exif = _exif(image)
    rights = _rights(image, exif, xmp)
    if policy == "copyright":
        return Metadata(_bytes(rights))
    for tag, name, *_ in _RIGHTS:
        if _of_xmp(xmp, name) and not _of_exif(exif, tag):
            del rights[tag]  # the XMP travels
    whole = _whole(exif, from_tiff=image.format == "TIFF")
    for right in rights:
        if not _of_exif(whole, right):  # cameras write blanks
            whole[right] = rights[right]
    return Metadata(_bytes(whole) or _bytes(rights), xmp and _XMP_ORIENTATION.sub(rb"\g<1>1", xmp))


def _exif(image: Image.Image) -> Image.Exif:
    try:
        return image.getexif()
    except Exception:
        return Image.Exif()  # a parser fed with broken bytes raises whatever it stumbles over


def _whole(exif: Image.Exif, *, from_tiff: bool) -> Image.Exif:
    whole = Image.Exif()
    try:
        for tag in exif:
            if tag != ExifTags.Base.Orientation and (tag in _DESCRIPTIVE or not from_tiff):
                whole[tag] = exif.get_ifd(tag) if tag in _IFDS else _as_it_was(exif[tag], tag)
    except Exception:
        return Image.Exif()
    return whole


def _rights(image: ImageFile.ImageFile, exif: Image.Exif, xmp: bytes | None) -> Image.Exif:
    rights = Image.Exif()
    iptc = _iptc(image)
    for tag, name, data_set, keyword in _RIGHTS:
        text = _of_xmp(xmp, name) or _of_iptc(iptc, data_set) or _of_png(image, keyword)
        if written := _as_it_was(_of_exif(exif, tag), tag) or text.encode():
            rights[tag] = written
    return rights


def _as_it_was(value: Any, tag: int) -> Any:
    """Text in its own bytes: Pillow reads them as Latin-1, which most are not, and would write ASCII alone."""
    return value.encode("latin-1", "replace") if isinstance(value, str) and tag in _DESCRIPTIVE else value


def _of_exif(exif: Image.Exif, tag: int) -> str:
    try:
        value = exif.get(tag)
    except Exception:
        return ""
    return value.strip("\0 ") if isinstance(value, str) else ""


def _of_xmp(xmp: bytes | None, name: bytes) -> str:
    """All entries of a Dublin Core list, such as several creators."""
    found = re.search(rb"<dc:%b[\s>](.*?)</dc:%b>" % (name, name), xmp or b"", re.DOTALL)
    entries = re.findall(rb"<rdf:li[^>]*>([^<]*)</rdf:li>", found[1]) if found else []
    return "; ".join(html.unescape(entry.decode("utf-8", "replace")).strip() for entry in entries)


def _iptc(image: ImageFile.ImageFile) -> dict[tuple[int, int], Any]:
    try:
        return IptcImagePlugin.getiptcinfo(image) or {}
    except Exception:
        return {}


def _of_iptc(iptc: dict[tuple[int, int], Any], data_set: tuple[int, int]) -> str:
    value = iptc.get(data_set)
    values = value if isinstance(value, list) else [value]
    return "; ".join(entry.decode("utf-8", "replace").strip() for entry in values if isinstance(entry, bytes))


def _of_png(image: ImageFile.ImageFile, keyword: str) -> str:
    """Of a tEXt, zTXt or iTXt chunk."""
    text = image.info.get(keyword) if image.format == "PNG" else None
    return text.strip("\0 ") if isinstance(text, str) else ""


def _bytes(exif: Image.Exif) -> bytes | None:
    if not exif:
        return None
    try:
        return exif.tobytes().removeprefix(_EXIF_PREFIX)
    except Exception:
        return None
