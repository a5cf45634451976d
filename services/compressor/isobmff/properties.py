"""Read the properties of an AVIF's items. Source: ISO 14496-12 (boxes) and ISO 23008-12 (items).

The primary item is the picture. Others, such as an alpha plane or a gain map, have other properties.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

from services.compressor.isobmff.box_reader import Box, big_endian, find_box, intact_boxes

_VERSION_AND_FLAGS = 4
_MAX_ITEMS = 1000  # with properties; a picture has a few dozen


class ItemProperties(NamedTuple):
    """An entry of an ipma box.

    properties: their places in the ipco box, from 0; -1 for none. start, end: of the entry in the file.
    """

    item: int
    properties: tuple[int, ...]
    start: int
    end: int


def primary_item(avif: bytes, pitm: Box) -> int:
    """The number in a pitm box. Raises ValueError if it is truncated."""
    wide = big_endian(avif, pitm.content, 1)
    return big_endian(avif, pitm.content + _VERSION_AND_FLAGS, 4 if wide else 2)


def item_properties(avif: bytes, ipma: Box) -> Iterator[ItemProperties]:
    """The entries of an ipma box. Raises ValueError if one is truncated."""
    version, flags = big_endian(avif, ipma.content, 1), big_endian(avif, ipma.content + 1, 3)
    item_bytes = 4 if version else 2
    index_bytes, mask = (2, 0x7FFF) if flags & 1 else (1, 0x7F)
    at = ipma.content + _VERSION_AND_FLAGS + 4
    for _ in range(big_endian(avif, at - 4, 4)):
        start, first = at, at + item_bytes + 1
        at = first + index_bytes * big_endian(avif, first - 1, 1)
        indices = tuple((big_endian(avif, each, index_bytes) & mask) - 1 for each in range(first, at, index_bytes))
        yield ItemProperties(big_endian(avif, start, item_bytes), indices, start, at)


def primary_properties(avif: bytes) -> dict[bytes, bytes]:
    """The content of each property of the primary item, by type; of a colour also by its kind, such as "colrnclx".

    Of several of one type, the first. Properties of any item, if the file does not say which belong to the primary one.
    """
    listed = find_box(avif, b"meta", b"iprp", b"ipco")
    if listed is None:
        return {}
    properties = list(intact_boxes(avif, listed.content, listed.end))
    chosen = [properties[at] for at in _of_primary_item(avif) if 0 <= at < len(properties)] or properties
    found: dict[bytes, bytes] = {}
    for box in chosen:
        content = avif[box.content : box.end]
        name, content = (box.name + content[:4], content[4:]) if box.name == b"colr" else (box.name, content)
        found.setdefault(name, content)
    return found


def _of_primary_item(avif: bytes) -> tuple[int, ...]:
    primary, container = find_box(avif, b"meta", b"pitm"), find_box(avif, b"meta", b"iprp")
    if primary is None or container is None:
        return ()
    try:
        item = primary_item(avif, primary)
        lists = (box for box in intact_boxes(avif, container.content, container.end) if box.name == b"ipma")
        entries = islice(chain.from_iterable(item_properties(avif, box) for box in lists), _MAX_ITEMS)
        return next((each.properties for each in entries if each.item == item), ())
    except ValueError:
        return ()
