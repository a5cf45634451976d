"""Read the properties of an AVIF's primary picture. Source: ISO 14496-12 (boxes) and ISO 23008-12 (items).

A file may contain other pictures, such as an alpha plane or a gain map, whose properties differ.
"""

from collections.abc import Iterator
from typing import NamedTuple

_HEADER = 8
_MAX_ENTRIES = 1000  # of boxes or items in a list; a picture has a few dozen


class Box(NamedTuple):
    """start, end: of the content, after the header."""

    name: bytes
    start: int
    end: int


def iter_boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes of a container, up to the first that is damaged."""
    for _ in range(_MAX_ENTRIES):
        size = _number(data[start : start + 4])
        if not _HEADER <= size <= end - start:  # 0: up to the end of the file; 1: a 64-bit size; no header needs them
            return
        yield Box(data[start + 4 : start + 8], start + _HEADER, start + size)
        start += size


def primary_properties(avif: bytes) -> dict[bytes, bytes]:
    """The content of each property of the primary item, by type; of a colour also by its kind, such as "colrnclx".

    Of several of one type, the first. Properties of any item, if the file does not say which belong to the primary one.
    """
    meta = _find(avif, Box(b"", 0, len(avif)), b"meta")
    inside = meta and Box(meta.name, meta.start + 4, meta.end)
    container = inside and _find(avif, inside, b"iprp")
    listed = container and _find(avif, container, b"ipco")
    if not inside or not container or not listed:
        return {}
    properties = list(iter_boxes(avif, listed.start, listed.end))
    indices = _primary_indices(avif, inside, container)
    chosen = [properties[at - 1] for at in indices if 0 < at <= len(properties)] or properties
    found: dict[bytes, bytes] = {}
    for box in chosen:
        content = avif[box.start : box.end]
        name, content = (box.name + content[:4], content[4:]) if box.name == b"colr" else (box.name, content)
        found.setdefault(name, content)
    return found


def _find(data: bytes, within: Box, name: bytes) -> Box | None:
    return next((box for box in iter_boxes(data, within.start, within.end) if box.name == name), None)


def _primary_indices(avif: bytes, meta: Box, container: Box) -> list[int]:
    """The numbers of the primary item's properties, from 1."""
    primary, associations = _find(avif, meta, b"pitm"), _find(avif, container, b"ipma")
    if not primary or not associations:
        return []
    item = _number(avif[primary.start + 4 : primary.end])
    flags = _number(avif[associations.start : associations.start + 4])
    id_bytes, wide = (4 if flags >> 24 else 2), flags & 1
    index_bytes, index_mask = (2, 0x7FFF) if wide else (1, 0x7F)
    at = associations.start + 8
    for _ in range(_MAX_ENTRIES):
        if at >= associations.end:
            break
        number, count = _number(avif[at : at + id_bytes]), _number(avif[at + id_bytes : at + id_bytes + 1])
        first = at + id_bytes + 1
        at = first + count * index_bytes
        if number == item:
            return [_number(avif[each : each + index_bytes]) & index_mask for each in range(first, at, index_bytes)]
    return []


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
