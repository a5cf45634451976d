"""Gain maps: a second picture that brightens the first on an HDR screen. A JPEG result may keep that of a JPEG.

In a JPEG they follow the picture: Ultra HDR 1.1 describes them by XMP, ISO 21496-1 by a segment, Apple in the EXIF. In
an AVIF they are items of their own.
"""

import io
import re
from typing import NamedTuple

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.decoders.jpeg_applications import JpegApplication
from services.compressor.decoders.jpeg_segments import START_OF_SCAN, iter_jpeg_segments, scan_data_end
from services.compressor.decoders.orientation import apply_orientation
from services.compressor.isobmff import find_box

_START_OF_IMAGE = b"\xff\xd8\xff"
_ANNOUNCEMENTS = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"http://ns.apple.com/HDRGainMap/1.0/",
    b"urn:com:apple:photo:2020:aux:hdrgainmap",
    JpegApplication.GAIN_MAP.header.removesuffix(b"\0"),
)
_TONE_MAPPED_ITEM = b"tmap"  # derived from a picture and its gain map

_OUTDATED_NAMESPACES = (
    *_ANNOUNCEMENTS[:2],
    b"http://ns.google.com/photos/1.0/container/",  # lists the pictures and videos that follow
    b"http://ns.google.com/photos/1.0/container/item/",
)
_OUTDATED_CAMERA_NAMES = rb"GCamera:(?:MotionPhoto|MicroVideo)\w*"  # of a video that follows

_ISO_VERSION_BYTES, _ISO_FLAGS_AT = 4, 4
_ISO_CHANNELS, _ISO_COMMON_DENOMINATOR = 0x80, 0x08  # flags: three channels; all numbers have one denominator
# Only figures: other content would be metadata of the original.
_NAME = rb"Version|BaseRenditionIsHDR|GainMapMin|GainMapMax|Gamma|OffsetSDR|OffsetHDR|HDRCapacityMin|HDRCapacityMax"
_VALUE = rb"[\d.eE+-]+|True|False"
_PROPERTY = re.compile(rb"""\bhdrgm:(%b)\s*=\s*["'](%b)["']""" % (_NAME, _VALUE))
_ITEM = rb"<rdf:li>\s*(?:%b)\s*</rdf:li>\s*" % _VALUE  # without blanks before it, which would match in two ways
_LISTED_PROPERTY = re.compile(rb"<hdrgm:(%b)>\s*<rdf:Seq>\s*(?:%b)+</rdf:Seq>\s*</hdrgm:\1>" % (_NAME, _ITEM))
_MAX_PICTURES, _MAX_PROFILE_BYTES = 8, 4096


class GainMap(NamedTuple):
    """image: upright, in mode L or RGB. properties: those of Ultra HDR, as attributes and elements of XMP; None if the
    file has none. iso: the metadata of ISO 21496-1; None if the file has none."""

    image: Image.Image
    properties: tuple[bytes, bytes] | None
    iso: bytes | None
    icc_profile: bytes | None = None


def read_gain_map(jpeg: bytes, size: tuple[int, int], orientation: int) -> GainMap | None:
    """The gain map behind a JPEG; None if there is none, or one that is broken or not described.

    size, orientation: of the JPEG; the map is no larger, and turned upright like it.
    """
    if not has_gain_map(jpeg):
        return None
    behind = jpeg[_end_of_first_picture(jpeg) :]
    for found in list(re.finditer(re.escape(_START_OF_IMAGE), behind))[:_MAX_PICTURES]:
        candidate = behind[found.start() :]
        properties, iso = _description(candidate)
        if properties or iso:
            image = _decoded(candidate, size)
            if image is None:
                return None
            profile = image.info.get("icc_profile")
            upright = apply_orientation(image, orientation)
            upright.info = {}
            return GainMap(upright, properties, iso, profile)
    return None


def _description(jpeg: bytes) -> tuple[tuple[bytes, bytes] | None, bytes | None]:
    properties: tuple[bytes, bytes] | None = None
    iso: bytes | None = None
    for marker, start, end in iter_jpeg_segments(jpeg):
        content = jpeg[start:end]
        if marker == START_OF_SCAN:
            break
        if marker == JpegApplication.XMP.marker and _ANNOUNCEMENTS[0] in content:
            attributes = b" ".join(b'hdrgm:%b="%b"' % each for each in _PROPERTY.findall(content))
            properties = attributes, b"".join(each[0] for each in _LISTED_PROPERTY.finditer(content))
        elif JpegApplication.GAIN_MAP.matches(marker, content):
            iso = _iso_figures(content.removeprefix(JpegApplication.GAIN_MAP.header)) or iso
    return properties, iso


def _iso_figures(content: bytes) -> bytes | None:
    """The metadata of ISO 21496-1 without what follows it; None if it is a version only, or of a later version."""
    if content[:2] != b"\0\0" or len(content) <= _ISO_VERSION_BYTES:
        return None
    flags = content[_ISO_FLAGS_AT]
    channels = 3 if flags & _ISO_CHANNELS else 1
    numbers = 3 + 5 * channels if flags & _ISO_COMMON_DENOMINATOR else 2 * (2 + 5 * channels)
    size = _ISO_FLAGS_AT + 1 + 4 * numbers
    return content[:size] if len(content) >= size else None


def _decoded(jpeg: bytes, size: tuple[int, int]) -> Image.Image | None:
    """None if it is broken or larger than `size`, or has another mode or a longer profile than a map."""
    try:
        image = JpegImageFile(io.BytesIO(jpeg))
        if max(image.size) > max(size) or min(image.size) > min(size) or image.mode not in ("L", "RGB"):
            return None
        image.load()
    except Exception:
        return None  # decoders raise any exception for hostile bytes
    return image if len(image.info.get("icc_profile") or b"") <= _MAX_PROFILE_BYTES else None


def has_gain_map(data: bytes) -> bool:
    """Whether a JPEG or an AVIF contains a gain map."""
    if data.startswith(_START_OF_IMAGE):
        announced = any(announcement in data for announcement in _ANNOUNCEMENTS)
        return announced and _START_OF_IMAGE in data[_end_of_first_picture(data) :]
    meta = find_box(data, b"meta")
    return meta is not None and _TONE_MAPPED_ITEM in data[meta.content : meta.end]


def _end_of_first_picture(jpeg: bytes) -> int:
    return max(
        (scan_data_end(jpeg, end) for marker, _, end in iter_jpeg_segments(jpeg) if marker == START_OF_SCAN), default=0
    )


def without_announcements(xmp: bytes) -> bytes | None:
    """XMP that no longer announces pictures or videos behind the first picture; None if it cannot be cleaned.

    Removes the properties of these namespaces, whatever their prefixes are.
    """
    prefixes = b"|".join(
        re.escape(prefix)
        for prefix, namespace in re.findall(rb"xmlns:([\w.-]+)\s*=\s*[\"']([^\"']*)[\"']", xmp)
        if namespace in _OUTDATED_NAMESPACES
    )
    names = _OUTDATED_CAMERA_NAMES + (rb"|(?:%b):[\w.-]+" % prefixes if prefixes else b"")
    cleaned = _without_elements(xmp, re.compile(rb"<(%b)(?:\s[^<>]*)?/?>" % names))
    cleaned = re.sub(rb"\s(?:%b)\s*=\s*(?:\"[^\"]*\"|'[^']*')" % names, b"", cleaned)
    if prefixes:
        cleaned = re.sub(rb"\sxmlns:(?:%b)\s*=\s*(?:\"[^\"]*\"|'[^']*')" % prefixes, b"", cleaned)
    return None if re.search(rb"[\s</](?:%b)" % names, cleaned) else cleaned


def _without_elements(xmp: bytes, start_tag: re.Pattern[bytes]) -> bytes:
    """start_tag: its first group is the name. An element without an end stays."""
    parts: list[bytes] = []
    at = 0
    while tag := start_tag.search(xmp, at):
        end = tag.end()
        if not tag[0].endswith(b"/>"):
            end_tag = re.compile(rb"</%b\s*>" % re.escape(tag[1])).search(xmp, end)
            if end_tag is None:
                break
            end = end_tag.end()
        parts.append(xmp[at : tag.start()])
        at = end
    return b"".join(parts) + xmp[at:]
