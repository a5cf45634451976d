"""Read and write a TIFF's directory of tags, in either byte order. Source: TIFF 6.0, section 2; BigTIFF, libtiff."""

import struct
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBER_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}
ASCII, LONG, LONG8 = 2, 4, 16


class Tag(NamedTuple):
    """type: of its values, by TIFF's numbers. data: all values, in the file's byte order.

    Several tags of a hostile file may be the same large part of it, so they are not copied.
    """

    type: int
    data: bytes | memoryview


class Layout(NamedTuple):
    """order: "<" or ">". offset, counts: the codes of an offset and of a number of tags. header: what comes first."""

    order: str
    offset: str
    counts: str
    header: bytes

    @property
    def entry_bytes(self) -> int:
        return 4 + 2 * struct.calcsize(self.offset)


def layout_of(tiff: bytes) -> Layout:
    order = "<" if tiff[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", tiff, 2) == (43,)
    return Layout(order, "Q", "Q", tiff[:8]) if big else Layout(order, "I", "H", tiff[:4])


def read_tags(tiff: bytes, layout: Layout, at: int | None) -> dict[int, Tag]:
    """The tags of the page at an offset, or of the first page. Raises struct.error or ValueError if they are broken."""
    if at is None:
        (at,) = struct.unpack_from(layout.order + layout.offset, tiff, len(layout.header))
    (count,) = struct.unpack_from(layout.order + layout.counts, tiff, at)
    at += struct.calcsize(layout.counts)
    tags, view = {}, memoryview(tiff)
    for entry in range(at, at + count * layout.entry_bytes, layout.entry_bytes):
        number, kind, values = struct.unpack_from(layout.order + "HH" + layout.offset, tiff, entry)
        size, place = values * _VALUE_BYTES.get(kind, 0), entry + 4 + struct.calcsize(layout.offset)
        if size > struct.calcsize(layout.offset):
            (place,) = struct.unpack_from(layout.order + layout.offset, tiff, place)
        data = view[place : place + size]
        if len(data) < size:
            raise ValueError("a tag is truncated")
        tags[number] = Tag(kind, data)
    return tags


def numbers(tag: Tag, layout: Layout) -> tuple[int, ...]:
    """The values of a tag of whole numbers. Raises ValueError for other types."""
    if tag.type not in _NUMBER_CODES:
        raise ValueError("not a number")
    return tuple(value for (value,) in struct.iter_unpack(layout.order + _NUMBER_CODES[tag.type], tag.data))


def number_tag(values: Sequence[int], layout: Layout, kind: int) -> Tag:
    """Raises struct.error if a value is too large for the type."""
    return Tag(kind, struct.pack(f"{layout.order}{len(values)}{_NUMBER_CODES[kind]}", *values))


def directory_size(tags: Mapping[int, Tag], layout: Layout) -> int:
    """The bytes of the header, one directory and its values."""
    return len(_with_directory(tags, layout))


def written(tags: Mapping[int, Tag], pixels: bytes, layout: Layout) -> bytes:
    """A file of one page, whose pixels begin at `directory_size`."""
    return _with_directory(tags, layout) + pixels


def _with_directory(tags: Mapping[int, Tag], layout: Layout) -> bytes:
    inline = struct.calcsize(layout.offset)
    start = len(layout.header) + inline
    values_at = start + struct.calcsize(layout.counts) + len(tags) * layout.entry_bytes + inline
    entries, values = [struct.pack(layout.order + layout.counts, len(tags))], b""
    for number, tag in sorted(tags.items()):
        count = len(tag.data) // _VALUE_BYTES[tag.type]
        entries.append(struct.pack(layout.order + "HH" + layout.offset, number, tag.type, count))
        if len(tag.data) <= inline:
            entries.append(bytes(tag.data).ljust(inline, b"\0"))
        else:
            entries.append(struct.pack(layout.order + layout.offset, values_at + len(values)))
            values += bytes(tag.data) + b"\0" * (len(tag.data) % 2)
    first = struct.pack(layout.order + layout.offset, start)
    return b"".join((layout.header, first, *entries, bytes(inline), values))
