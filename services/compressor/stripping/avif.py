"""Remove the metadata of an AVIF, still or a sequence. Source: AV1 Image File Format 1.1, ISO/IEC 14496-12."""

from services.compressor.isobmff import Box, Edits, intact_boxes
from services.compressor.stripping.avif_items import strip_items
from services.compressor.stripping.avif_tracks import strip_tracks
from services.compressor.stripping.kept import Kept

_NEEDED = (b"ftyp", b"meta", b"moov", b"mdat")
_GAIN_MAP_BRAND, _BRAND_BYTES = b"tmap", 4
_MAJOR_BRAND_BYTES = 8  # with its version


def strip_avif(original: bytes, kept: Kept) -> bytes:
    """The primary picture with its alpha, the frames, and `kept`: no other items, tracks, names, times and free space.

    Raises ValueError, KeyError or IndexError if the file has a structure that is not understood.
    """
    edits = Edits(original)
    found = list(intact_boxes(original, 0, len(original)))  # anything may follow
    names = [box.name for box in found]
    if b"moof" in names or names.count(b"meta") > 1 or names.count(b"moov") > 1:
        raise ValueError("an unusual structure")
    edits.delete(found[-1].end, len(original))
    ranges = []
    for box in found:
        if box.name == b"meta":
            ranges += strip_items(original, box, edits, kept)
        elif box.name == b"ftyp":
            _strip_brands(original, box, edits)
        elif box.name == b"moov":
            ranges += strip_tracks(original, box, edits, kept)
    for box in found:
        if box.name == b"mdat":
            edits.keep_only(ranges, box)
        elif box.name not in _NEEDED:
            edits.delete(box.start, box.end)
    return edits.applied()


def _strip_brands(data: bytes, box: Box, edits: Edits) -> None:
    """Without the compatible brand that requires a gain map."""
    edits.containers.append(box)
    for at in range(box.content + _MAJOR_BRAND_BYTES, box.end, _BRAND_BYTES):
        if data[at : at + _BRAND_BYTES] == _GAIN_MAP_BRAND:
            edits.delete(at, at + _BRAND_BYTES)
