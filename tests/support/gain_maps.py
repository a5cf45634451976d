"""JPEGs with a gain map, as phones write them: Ultra HDR 1.1 (XMP) and ISO 21496-1."""

import struct

from PIL import Image

from tests.support.compressing import a_picture, encoded
from tests.zoo.jpeg_parts import START, segment

ADOBE = "http://ns.adobe.com/hdr-gain-map/1.0/"
_CONTAINER = "http://ns.google.com/photos/1.0/container/"
_XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"
ISO = b"urn:iso:std:iso:ts:21496:-1\0"
_FRACTIONS = struct.pack(">4I", 0, 1, 0, 1)  # the headrooms: 2**0
_CHANNEL = struct.pack(">10i", 0, 1, 2, 1, 1, 1, 1, 64, 1, 64)  # log2 of gains 1 to 4, gamma 1, offsets of 1/64


def xmp_packet(attributes: str, content: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {attributes}>{content}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def announcing_xmp(map_bytes: int, more: str = "") -> bytes:
    """Of the first picture: it lists the gain map behind it."""
    items = (
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" Item:Semantic="{meaning}"{length}/>'
        "</rdf:li>"
        for meaning, length in (("Primary", ""), ("GainMap", f' Item:Length="{map_bytes}"'))
    )
    return xmp_packet(
        f'xmlns:Container="{_CONTAINER}" xmlns:Item="{_CONTAINER}item/"'
        f' xmlns:hdrgm="{ADOBE}" hdrgm:Version="1.0" {more}',
        f"<Container:Directory><rdf:Seq>{''.join(items)}</rdf:Seq></Container:Directory>",
    )


def an_ultra_hdr_jpeg(
    picture: Image.Image | None = None, *, iso: bool = False, more_xmp: str = "", more_gains: str = ""
) -> bytes:
    """A JPEG with a gain map of a quarter of its width. iso: announced as ISO 21496-1 has it, else by XMP.

    more_xmp, more_gains: further attributes of the picture's XMP, and content of the map's.
    """
    picture = picture or a_picture(size=(320, 240))
    gains = picture.convert("L").resize((picture.width // 4, picture.height // 4))
    if iso:
        metadata = ISO + bytes(4) + b"\x40" + _FRACTIONS + _CHANNEL
        gain_map = _with_segment(_jpeg(gains), 0xE2, metadata)
        first = _with_segment(_jpeg(picture), 0xE2, ISO + bytes(4))
    else:
        figures = f'xmlns:hdrgm="{ADOBE}" hdrgm:Version="1.0" hdrgm:GainMapMax="2.0" hdrgm:HDRCapacityMax="2.0"'
        gain_map = _with_segment(_jpeg(gains), 0xE1, _XMP_HEADER + xmp_packet(figures, more_gains))
        first = _with_segment(_jpeg(picture), 0xE1, _XMP_HEADER + announcing_xmp(len(gain_map), more_xmp))
    return _with_index(first, len(gain_map)) + gain_map


def _jpeg(picture: Image.Image) -> bytes:
    return encoded(picture, "JPEG", quality=95)


def _with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return START + segment(marker, content) + jpeg.removeprefix(START)


def _with_index(first: bytes, map_bytes: int) -> bytes:
    """With a multi-picture index (CIPA DC-007), whose offsets count from its own header."""
    size = 4 + 4 + 8 + 2 + 3 * 12 + 4 + 2 * 16
    length = len(first) + size + 4
    entries = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, 2)
    entries += struct.pack(">HHII", 0xB002, 7, 32, 8 + 2 + 36 + 4)
    pictures = struct.pack(">IIIHH", 0x030000, length, 0, 0, 0) + struct.pack(">IIIHH", 0, map_bytes, length - 10, 0, 0)
    index = b"MPF\0" + b"MM\0\x2a" + struct.pack(">I", 8) + struct.pack(">H", 3) + entries + bytes(4) + pictures
    return _with_segment(first, 0xE2, index)
