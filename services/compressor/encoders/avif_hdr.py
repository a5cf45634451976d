"""Mark an AVIF as one of high dynamic range: Pillow writes every AVIF as sRGB.

Pixels, matrix and layout stay. Only the container's boxes change, in the form in which libavif writes them. Sources:
ISO 14496-12 (boxes, clli), ISO 23008-12 (items and their properties), ITU-T H.273 (code points).
"""

import struct

from services.compressor.decoders import Hdr
from services.compressor.isobmff import Box, Edits, boxes, find_box, item_properties, read_locations

_PRIMARIES = {1: "bt709", 9: "bt2020", 12: "smpte432"}
_TRANSFERS = {16: "smpte2084", 18: "hlg"}

_COLOUR = b"colrnclx"
_ITEM_BYTES = 2  # of an item's number


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
    edits = Edits(avif)
    edits.overwrite(avif.index(_COLOUR) + len(_COLOUR), struct.pack(">HH", hdr.primaries, hdr.transfer))
    if hdr.peak is not None:
        _add_peak(avif, hdr.peak, edits)
    return edits.applied()


def _add_peak(avif: bytes, nits: int, edits: Edits) -> None:
    """Add the property clli to the first item, which is the picture."""
    meta, properties = _box(avif, b"meta"), _box(avif, b"meta", b"iprp")
    listed, associations = (_box(avif, b"meta", b"iprp", name) for name in (b"ipco", b"ipma"))
    edits.containers += (meta, properties, listed, associations)
    edits.replace(listed.end, listed.end, struct.pack(">I4sHH", 12, b"clli", min(nits, 0xFFFF), 0))
    first = next(item_properties(avif, associations))
    edits.overwrite(first.start + _ITEM_BYTES, bytes((len(first.properties) + 1,)))
    index = len(list(boxes(avif, listed.content, listed.end))) + 1
    edits.replace(first.end, first.end, bytes((index,)))
    for location in read_locations(avif, _box(avif, b"meta", b"iloc"), None).values():
        location.move(edits)


def _box(avif: bytes, *path: bytes) -> Box:
    found = find_box(avif, *path)
    if found is None:
        raise ValueError(f"no box {path[-1]!r}")
    return found
