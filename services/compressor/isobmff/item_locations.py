"""Where the bytes of an AVIF's items are. Source: ISO/IEC 14496-12, 8.11.3 (iloc)."""

from typing import NamedTuple

from services.compressor.isobmff.box_reader import Box, big_endian
from services.compressor.isobmff.edits import Edits, Range


class Location(NamedTuple):
    """The entry of an item, from start to end.

    ranges: of its bytes in the file. places: of the offset and the length of each range, in the entry.
    base_at: the place of the number that all offsets of the entry have in common. origin: where offsets begin.
    widths: the bytes of an offset, a length and a base.
    """

    start: int
    end: int
    ranges: tuple[Range, ...]
    places: tuple[tuple[int, int], ...]
    base_at: int
    origin: int
    widths: tuple[int, int, int]

    def move(self, edits: Edits) -> None:
        """Write the offsets anew, for bytes that stay but may move."""
        offset_bytes, _, base_bytes = self.widths
        if offset_bytes:
            edits.overwrite(self.base_at, bytes(base_bytes))
            for (start, _), (place, _) in zip(self.ranges, self.places, strict=True):
                edits.move_offset(place, offset_bytes, start, self.origin)
        else:
            edits.move_offset(self.base_at, base_bytes, self.ranges[0][0], self.origin)

    def replace_content(self, content: bytes, edits: Edits) -> None:
        """Raises ValueError if the bytes are not in one range."""
        if len(self.ranges) != 1 or not self.widths[1]:
            raise ValueError("an item in several parts")
        self.move(edits)
        edits.replace(*self.ranges[0], content)
        edits.overwrite(self.places[0][1], len(content).to_bytes(self.widths[1], "big"))


def read_locations(data: bytes, box: Box, idat: Box | None) -> dict[int, Location]:
    """By item. Raises ValueError for bytes in other files or items, and for lengths that are not given."""
    version, sizes = data[box.content], big_endian(data, box.content + 4, 2)
    offset_bytes, length_bytes, base_bytes, index_bytes = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    index_bytes = index_bytes if version else 0
    item_bytes = 4 if version == 2 else 2
    method_bytes = 2 if version else 0
    at = box.content + 6
    count, at = big_endian(data, at, item_bytes), at + item_bytes
    locations = {}
    for _ in range(count):
        start, item = at, big_endian(data, at, item_bytes)
        at += item_bytes
        method = big_endian(data, at, method_bytes) & 15
        base_at = at + method_bytes + 2
        if method > 1 or (method == 1 and idat is None) or big_endian(data, base_at - 2, 2):
            raise ValueError("bytes in another file or item")
        origin = idat.content if method == 1 and idat else 0
        base = big_endian(data, base_at, base_bytes)
        at = base_at + base_bytes + 2
        ranges, places = [], []
        for _ in range(big_endian(data, at - 2, 2)):
            offset_at = at + index_bytes
            at = offset_at + offset_bytes + length_bytes
            first = origin + base + big_endian(data, offset_at, offset_bytes)
            length = big_endian(data, offset_at + offset_bytes, length_bytes)
            if not length or first + length > len(data):
                raise ValueError("an item without a length, or outside the file")
            ranges.append((first, first + length))
            places.append((offset_at, offset_at + offset_bytes))
        if not ranges or not (offset_bytes or (base_bytes and len(ranges) == 1)):
            raise ValueError("an item without a place")
        locations[item] = Location(
            start, at, tuple(ranges), tuple(places), base_at, origin, (offset_bytes, length_bytes, base_bytes)
        )
    return locations
