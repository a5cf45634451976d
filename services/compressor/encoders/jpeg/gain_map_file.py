"""Write a JPEG with its gain map behind it, as Ultra HDR 1.1 and ISO 21496-1 require.

The first picture announces the map: by XMP or by a segment with a version, and by a multi-picture index (CIPA DC-007).
"""

import io
import struct

from PIL import Image

from services.compressor.decoders import GainMap, JpegApplication, iter_jpeg_segments

_ENCODINGS = ((1, 85), (1, 70), (2, 75), (4, 75))  # by how much the map is scaled down, and its quality
_APPLICATION_MARKERS = range(0xE0, 0xF0)
_XMP, _ISO, _PICTURE_INDEX = JpegApplication.XMP, JpegApplication.GAIN_MAP, JpegApplication.PICTURE_INDEX
_ISO_VERSION = bytes(4)  # the oldest reader that understands the map, and the writer
_NAMESPACES = (
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'
)
_CONTAINER = (
    b' xmlns:Container="http://ns.google.com/photos/1.0/container/"'
    b' xmlns:Item="http://ns.google.com/photos/1.0/container/item/"'
)
_EMPTY_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF %b></rdf:RDF></x:xmpmeta>' % _NAMESPACES
_RDF_END = b"</rdf:RDF>"

_INDEX_ENTRIES, _PICTURES = 3, 2
_PRIMARY = 0x030000  # and in JPEG format
_INDEX = struct.Struct(">4sI H HHI4s HHII HHII I IIIHH IIIHH")
_MARKER_AND_LENGTH = 4

TRAILER_BYTES = len(_PICTURE_INDEX.segment(bytes(_INDEX.size)) + _ISO.segment(_ISO_VERSION))
"""The most bytes that are added to the first picture, besides XMP."""


def encode_gain_map(gain_map: GainMap, picture_size: tuple[int, int], max_bytes: int) -> bytes | None:
    """The map as a JPEG of at most so many bytes; None if it or its description does not fit.

    It gets fewer pixels if necessary, and never more than its picture, which may have been scaled down.
    """
    try:
        description = _description(gain_map)
    except OverflowError:  # it is longer than a segment
        return None
    width, height = map(min, gain_map.image.size, picture_size)
    for shrink, quality in _ENCODINGS:
        size = max(1, width // shrink), max(1, height // shrink)
        encoded = _encoded(gain_map.image.resize(size), quality, description, gain_map.icc_profile)
        if len(encoded) <= max_bytes:
            return encoded
    return None


def announcing_xmp(xmp: bytes | None, map_bytes: int) -> bytes | None:
    """The XMP with a description that lists the gain map; None if it has no place for it."""
    xmp = xmp or _EMPTY_XMP
    item = b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic="%b"/></rdf:li>'
    listed = item % b"Primary" + item % (b'GainMap" Item:Length="%d' % map_bytes)
    added = b'<rdf:Description rdf:about="" %b hdrgm:Version="1.0">' % (_NAMESPACES + _CONTAINER)
    added += b"<Container:Directory><rdf:Seq>%b</rdf:Seq></Container:Directory></rdf:Description>" % listed
    before, end, after = xmp.rpartition(_RDF_END)
    return before + added + end + after if end else None


def with_gain_map(jpeg: bytes, encoded_map: bytes, *, iso: bool) -> bytes:
    """The file with the map behind it. iso: announce it as ISO 21496-1 has it."""
    at = _end_of_application_segments(jpeg)
    version = _ISO.segment(_ISO_VERSION) if iso else b""
    head = jpeg[:at] + version
    index_at = len(head) + _MARKER_AND_LENGTH + len(_PICTURE_INDEX.header)  # offsets count from there
    first_bytes = index_at + _INDEX.size + len(jpeg) - at
    index = _INDEX.pack(
        *(b"MM\0*", 8, _INDEX_ENTRIES),
        *(0xB000, 7, 4, b"0100"),  # version
        *(0xB001, 4, 1, _PICTURES),
        *(0xB002, 7, 16 * _PICTURES, 8 + 2 + 12 * _INDEX_ENTRIES + 4),  # where the list of pictures is
        0,
        *(_PRIMARY, first_bytes, 0, 0, 0),
        *(0, len(encoded_map), first_bytes - index_at, 0, 0),
    )
    return head + _PICTURE_INDEX.segment(index) + jpeg[at:] + encoded_map


def _description(gain_map: GainMap) -> bytes:
    """The segments that describe the map. Raises OverflowError if one is too long."""
    segments = b""
    if gain_map.properties is not None:
        attributes, elements = gain_map.properties
        figures = b'<rdf:Description rdf:about="" %b>%b</rdf:Description>' % (attributes, elements)
        segments += _XMP.segment(_EMPTY_XMP.replace(_RDF_END, figures + _RDF_END))
    if gain_map.iso is not None:
        segments += _ISO.segment(gain_map.iso)
    return segments


def _encoded(image: Image.Image, quality: int, description: bytes, icc_profile: bytes | None) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, subsampling="4:4:4", optimize=True, icc_profile=icc_profile)
    jpeg = out.getvalue()
    at = _end_of_application_segments(jpeg)
    return jpeg[:at] + description + jpeg[at:]


def _end_of_application_segments(jpeg: bytes) -> int:
    """Of a JPEG that Pillow has written: they come first."""
    return next(
        start - _MARKER_AND_LENGTH
        for marker, start, _ in iter_jpeg_segments(jpeg)
        if marker not in _APPLICATION_MARKERS
    )
