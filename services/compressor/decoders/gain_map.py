"""Gain maps: a second picture that brightens the first on an HDR screen. Results do not contain them.

In a JPEG they follow the picture (Ultra HDR, Adobe, Apple; ISO 21496-1), in an AVIF they are items of their own.
"""

import re

from services.compressor.decoders.bmff import iter_boxes
from services.compressor.decoders.jpeg_segments import START_OF_SCAN, iter_jpeg_segments, scan_data_end

_START_OF_IMAGE = b"\xff\xd8\xff"
_ANNOUNCEMENTS = (
    b"http://ns.adobe.com/hdr-gain-map/1.0/",
    b"http://ns.apple.com/HDRGainMap/1.0/",
    b"urn:com:apple:photo:2020:aux:hdrgainmap",
    b"urn:iso:std:iso:ts:21496:-1",
)
_TONE_MAPPED_ITEM = b"tmap"  # derived from a picture and its gain map

_OUTDATED_NAMESPACES = (
    *_ANNOUNCEMENTS[:2],
    b"http://ns.google.com/photos/1.0/container/",  # lists the pictures and videos that follow
    b"http://ns.google.com/photos/1.0/container/item/",
)
_OUTDATED_CAMERA_NAMES = rb"GCamera:(?:MotionPhoto|MicroVideo)\w*"  # of a video that follows


def has_gain_map(data: bytes) -> bool:
    """Whether a JPEG or an AVIF contains a gain map."""
    if data.startswith(_START_OF_IMAGE):
        announced = any(announcement in data for announcement in _ANNOUNCEMENTS)
        return announced and _START_OF_IMAGE in data[_end_of_first_picture(data) :]
    meta = next((box for box in iter_boxes(data, 0, len(data)) if box.name == b"meta"), None)
    return meta is not None and _TONE_MAPPED_ITEM in data[meta.start : meta.end]


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
    cleaned = re.sub(rb"<(%b)(?:\s[^<>]*)?(?:/>|>.*?</\1\s*>)" % names, b"", xmp, flags=re.DOTALL)
    cleaned = re.sub(rb"\s(?:%b)\s*=\s*(?:\"[^\"]*\"|'[^']*')" % names, b"", cleaned)
    if prefixes:
        cleaned = re.sub(rb"\sxmlns:(?:%b)\s*=\s*(?:\"[^\"]*\"|'[^']*')" % prefixes, b"", cleaned)
    return None if re.search(rb"[\s</](?:%b)" % names, cleaned) else cleaned
