"""Mark an AVIF as one of high dynamic range: Pillow writes every AVIF as sRGB.

Pixels, matrix and layout stay. Only the container's boxes change, in the form in which libavif writes them. Sources:
ISO 14496-12 (boxes, clli), ISO 23008-12 (items and their properties), ITU-T H.273 (code points).
"""

import struct

from services.compressor.decoders import Box, Hdr, boxes, find_box

_PRIMARIES = {1: "bt709", 9: "bt2020", 12: "smpte432"}
_TRANSFERS = {16: "smpte2084", 18: "hlg"}

_VERSION_AND_FLAGS = 4
_COLOUR = b"colrnclx"
_ITEM, _COUNT = 2, 1  # bytes of an item's number, and of the number of its properties
_LOCATION = struct.Struct(">HHHII")  # of an item in one piece


def codec_options(hdr: Hdr) -> dict[str, str]:
    """For libaom, which writes the colour space into the pixels' stream as well; the container's takes precedence."""
    options = {
        "color-primaries": _PRIMARIES.get(hdr.primaries),
        "transfer-characteristics": _TRANSFERS.get(hdr.transfer),
    }
    return {name: value for name, value in options.items() if value}


def with_hdr(avif: bytes, hdr: Hdr) -> bytes:
    """The file with another colour space, and with the peak of the content if it is known.

    avif: a still picture that libavif has written. Raises ValueError if it has another layout.
    """
    marked = bytearray(avif)
    at = marked.index(_COLOUR) + len(_COLOUR)
    struct.pack_into(">HH", marked, at, hdr.primaries, hdr.transfer)
    return bytes(marked) if hdr.peak is None else _with_peak(bytes(marked), hdr.peak)


def _with_peak(avif: bytes, nits: int) -> bytes:
    """With the property clli, associated with the first item, which is the picture."""
    meta, properties = _box(avif, b"meta"), _box(avif, b"meta", b"iprp")
    listed, associations = (_box(avif, b"meta", b"iprp", name) for name in (b"ipco", b"ipma"))
    light = struct.pack(">I4sHH", 12, b"clli", min(nits, 0xFFFF), 0)
    index = bytes((len(list(boxes(avif, listed.content, listed.end))) + 1,))
    count_at = associations.content + _VERSION_AND_FLAGS + 4 + _ITEM
    added = len(light) + len(index)
    edited = bytearray(avif)
    _move_items(edited, _box(avif, b"meta", b"iloc"), added)
    for box, growth in ((meta, added), (properties, added), (listed, len(light)), (associations, len(index))):
        struct.pack_into(">I", edited, box.start, box.end - box.start + growth)
    last_index = count_at + _COUNT + avif[count_at]
    edited[count_at] += 1
    return b"".join((edited[: listed.end], light, edited[listed.end : last_index], index, edited[last_index:]))


def _box(avif: bytes, *path: bytes) -> Box:
    found = find_box(avif, *path)
    if found is None:
        raise ValueError(f"no box {path[-1]!r}")
    return found


def _move_items(avif: bytearray, locations: Box, by: int) -> None:
    """Correct the offsets of the items' data, which follows the boxes."""
    first = locations.content + _VERSION_AND_FLAGS + 4
    (count,) = struct.unpack_from(">H", avif, first - 2)
    if first + count * _LOCATION.size != locations.end:
        raise ValueError("items with several pieces")
    for at in range(first, locations.end, _LOCATION.size):
        item, reference, pieces, offset, length = _LOCATION.unpack_from(avif, at)
        _LOCATION.pack_into(avif, at, item, reference, pieces, offset + by, length)
