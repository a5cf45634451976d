"""Remove what is not the picture from the tracks of an AVIF sequence. Source: ISO/IEC 14496-12, 8.3 to 8.7 and 12.1."""

from collections.abc import Iterator

from services.compressor.isobmff import Box, Edits, Range, big_endian, boxes
from services.compressor.stripping.av1 import without_metadata
from services.compressor.stripping.avif_boxes import blank_configuration, is_alpha, is_needed, remove_handler_name
from services.compressor.stripping.kept import Kept

_NEEDED: dict[bytes, frozenset[bytes]] = {
    b"moov": frozenset({b"mvhd", b"trak"}),
    b"trak": frozenset({b"tkhd", b"edts", b"tref", b"mdia"}),
    b"edts": frozenset({b"elst"}),
    b"tref": frozenset({b"auxl", b"prem"}),
    b"mdia": frozenset({b"mdhd", b"hdlr", b"minf"}),
    b"minf": frozenset({b"vmhd", b"nmhd", b"hmhd", b"dinf", b"stbl"}),
    b"dinf": frozenset({b"dref"}),
    b"dref": frozenset({b"url "}),
    b"stbl": frozenset({b"stsd", b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stco", b"co64", b"stss", b"sdtp"}),
    b"stsd": frozenset({b"av01"}),
}
_BEFORE_CHILDREN = {b"dref": 8, b"stsd": 8, b"av01": 78}
_LONGEST = {b"mvhd": (100, 112), b"tkhd": (84, 96), b"mdhd": (24, 36)}  # in versions 0 and 1
_COMPRESSOR_AT, _COMPRESSOR_BYTES = 42, 32  # the name of the encoder, in a sample entry
_PICTURES, _AUXILIARY = b"pict", b"auxv"


def strip_tracks(data: bytes, movie: Box, edits: Edits, kept: Kept) -> list[Range]:
    """Record the edits of a moov box. Returns the ranges of the file that hold the pixels of frames.

    Raises ValueError or KeyError if it has a structure that is not understood.
    """
    _strip(data, movie, edits, kept)
    tracks = [box for box in _children(data, movie) if box.name == b"trak" and _is_picture(data, box)]
    return [each for track in tracks for each in _strip_samples(data, track, edits)]


def _children(data: bytes, box: Box) -> Iterator[Box]:
    return boxes(data, box.content + _BEFORE_CHILDREN.get(box.name, 0), box.end)


def _find(data: bytes, box: Box, *path: bytes) -> Box:
    """Raises KeyError if there is no such descendant."""
    for name in path:
        box = {child.name: child for child in _children(data, box)}[name]
    return box


def _is_picture(data: bytes, track: Box) -> bool:
    """Whether a track holds the frames or their alpha."""
    handler = _find(data, track, b"mdia", b"hdlr").content + 8
    kind = data[handler : handler + 4]
    if kind != _AUXILIARY:
        return kind == _PICTURES
    entry = _find(data, track, b"mdia", b"minf", b"stbl", b"stsd", b"av01")
    return any(box.name == b"auxi" and is_alpha(data[box.content : box.end]) for box in _children(data, entry))


def _strip(data: bytes, box: Box, edits: Edits, kept: Kept) -> None:
    edits.containers.append(box)
    for child in _children(data, box):
        if child.name not in _NEEDED[box.name] or (child.name == b"trak" and not _is_picture(data, child)):
            edits.delete(child.start, child.end)
        elif child.name in _NEEDED:
            _strip(data, child, edits, kept)
        elif child.name == b"av01":
            _strip_entry(data, child, edits, kept)
        else:
            _strip_leaf(data, child, edits)


def _strip_leaf(data: bytes, box: Box, edits: Edits) -> None:
    if box.name == b"hdlr":
        remove_handler_name(box, edits)
    elif box.name == b"url ":
        if not data[box.content + 3] & 1:
            raise ValueError("pixels in another file")
        edits.containers.append(box)
        edits.delete(box.content + 4, box.end)
    elif box.name in _LONGEST:
        version = data[box.content]
        if box.end - box.content > _LONGEST[box.name][version]:
            raise ValueError("a header is too long")
        edits.overwrite(box.content + 4, bytes(16 if version else 8))  # times of creation and modification


def _strip_entry(data: bytes, entry: Box, edits: Edits, kept: Kept) -> None:
    edits.containers.append(entry)
    edits.overwrite(entry.content + _COMPRESSOR_AT, bytes(_COMPRESSOR_BYTES))
    for box in _children(data, entry):
        if not is_needed(data, box, kept):
            edits.delete(box.start, box.end)
        elif box.name == b"av1C":
            blank_configuration(data, box, edits)


def _strip_samples(data: bytes, track: Box, edits: Edits) -> list[Range]:
    table = _find(data, track, b"mdia", b"minf", b"stbl")
    found = {box.name: box for box in _children(data, table)}
    name, width = (b"co64", 8) if b"co64" in found else (b"stco", 4)
    counts = _chunk_counts(data, found[b"stsc"])
    ranges: list[Range] = []
    places = found[name].content + 8
    sample = 0
    for chunk in range(big_endian(data, places - 4, 4)):
        place = places + width * chunk
        at = big_endian(data, place, width)
        edits.move_offset(place, width, at)
        for _ in range(next(counts)):
            end = at + _sample_bytes(data, found[b"stsz"], sample)
            if end > len(data):
                raise ValueError("a frame is outside the file")
            edits.overwrite(at, without_metadata(data[at:end]))
            ranges.append((at, end))
            at, sample = end, sample + 1
    return ranges


def _sample_bytes(data: bytes, box: Box, sample: int) -> int:
    """The size of a frame; all may have one size."""
    return big_endian(data, box.content + 4, 4) or big_endian(data, box.content + 12 + 4 * sample, 4)


def _chunk_counts(data: bytes, box: Box) -> Iterator[int]:
    """The number of samples in each chunk, without an end."""
    entries = big_endian(data, box.content + 4, 4)
    chunk, samples = 1, 0
    for entry in range(entries):
        at = box.content + 8 + 12 * entry
        first = big_endian(data, at, 4)
        for _ in range(chunk, first):
            yield samples
        chunk, samples = max(chunk, first), big_endian(data, at + 4, 4)
    while True:
        yield samples
