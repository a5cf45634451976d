"""Edit a file of nested boxes: delete and replace bytes, and move what follows. Source: ISO/IEC 14496-12."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from services.compressor.isobmff.box_reader import Box, big_endian

Range = tuple[int, int]
"""Start and end of bytes in the file."""


class Edits:
    """Changes of a file. All offsets are those in the unchanged file; changed ranges must not overlap.

    containers: boxes that may contain changes, whose sizes are then written.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._changes: dict[Range, bytes] = {}
        self._offsets: list[tuple[int, int, int, int]] = []
        self.containers: list[Box] = []

    def delete(self, start: int, end: int) -> None:
        self.replace(start, end, b"")

    def replace(self, start: int, end: int, new: bytes) -> None:
        if end > len(self._data):
            raise ValueError("the file is truncated")
        if start < end or new:
            self._changes[start, end] = new

    def overwrite(self, at: int, new: bytes) -> None:
        if self._data[at : at + len(new)] != new:
            self.replace(at, at + len(new), new)

    def keep_only(self, ranges: Iterable[Range], box: Box) -> None:
        """Delete the content of a box outside those ranges that overlap with it.

        Raises ValueError if one is partly outside the box.
        """
        self.containers.append(box)
        at = box.content
        for start, end in sorted(each for each in ranges if each[0] < box.end and each[1] > box.content):
            if start < box.content or end > box.end:
                raise ValueError("pixels outside their box")
            self.delete(at, max(at, start))
            at = max(at, end)
        self.delete(at, box.end)

    def move_offset(self, at: int, length: int, target: int, base: int = 0) -> None:
        """Write at `at` where the byte at `target` will be, counted from where `base` will be."""
        self._offsets.append((at, length, target, base))

    def applied(self) -> bytes:
        """The changed file. Raises ValueError if changes overlap, OverflowError if an offset no longer fits."""
        changes = sorted(self._changes.items())
        ends = [end for (_, end), _ in changes]
        shifts = [0, *accumulate(len(new) - (end - start) for (start, end), new in changes)]

        def moved(at: int) -> int:
            return at + shifts[bisect_right(ends, at)]

        out, at = [], 0
        for (start, end), new in changes:
            if start < at:
                raise ValueError("changes overlap")
            out += [self._data[at:start], new]
            at = end
        edited = bytearray(b"".join((*out, self._data[at:])))
        for place, length, target, base in self._offsets:
            edited[moved(place) : moved(place) + length] = (moved(target) - moved(base)).to_bytes(length, "big")
        for box in self.containers:
            place, size = moved(box.start), moved(box.end) - moved(box.start)
            if box.content - box.start > 8:
                edited[place + 8 : place + 16] = size.to_bytes(8, "big")
            elif big_endian(self._data, box.start, 4):
                edited[place : place + 4] = size.to_bytes(4, "big")
        return bytes(edited)
