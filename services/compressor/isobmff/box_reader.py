"""The boxes of an AVIF file. Source: ISO/IEC 14496-12, 4.2."""

from collections.abc import Iterator
from typing import NamedTuple

_HEADER = 8
_MAX_BOXES = 10_000  # in a container; a picture has a few dozen
_BEFORE_CHILDREN = {b"meta": 4}  # version and flags


class Box(NamedTuple):
    """start, content, end: offsets in the file; the name and the size are before the content."""

    name: bytes
    start: int
    content: int
    end: int


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets. Raises ValueError if one is truncated, and if there are too many."""
    for _ in range(_MAX_BOXES):
        if start == end:
            return
        size, name, content = big_endian(data, start, 4), data[start + 4 : start + _HEADER], start + _HEADER
        if size == 1:  # a size of 64 bits follows
            size, content = big_endian(data, content, 8), content + 8
        following = start + size if size else end  # 0: up to the end of the file
        if not content <= following <= end:
            raise ValueError("a box is truncated")
        yield Box(name, start, content, following)
        start = following
    raise ValueError("too many boxes")


def intact_boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two offsets, up to the first damage."""
    try:
        yield from boxes(data, start, end)
    except ValueError:
        return


def find_box(data: bytes, *path: bytes) -> Box | None:
    """The first box of the first name in the file, in it the first of the next name, and so on.

    None if one is missing, or follows damage.
    """
    found: Box | None = Box(b"", 0, 0, len(data))
    for name in path:
        if found is None:
            return None
        inside = intact_boxes(data, found.content + _BEFORE_CHILDREN.get(found.name, 0), found.end)
        found = next((box for box in inside if box.name == name), None)
    return found


def big_endian(data: bytes, at: int, length: int) -> int:
    """The number in these bytes. Raises ValueError if it is outside the file."""
    if at + length > len(data):
        raise ValueError("the file is truncated")
    return int.from_bytes(data[at : at + length], "big")
