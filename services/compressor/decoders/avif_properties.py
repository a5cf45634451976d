"""Read the properties of an AVIF's primary picture. Source: ISO 14496-12 (boxes) and ISO 23008-12 (items).

A file may contain other pictures, such as an alpha plane or a gain map, whose properties differ.
"""

from services.compressor.decoders.isobmff import Box, intact_boxes

_MAX_ITEMS = 1000  # with properties; a picture has a few dozen


def primary_properties(avif: bytes) -> dict[bytes, bytes]:
    """The content of each property of the primary item, by type; of a colour also by its kind, such as "colrnclx".

    Of several of one type, the first. Properties of any item, if the file does not say which belong to the primary one.
    """
    meta = _find(avif, Box(b"", 0, 0, len(avif)), b"meta")
    inside = meta and meta._replace(content=meta.content + 4)
    container = inside and _find(avif, inside, b"iprp")
    listed = container and _find(avif, container, b"ipco")
    if not inside or not container or not listed:
        return {}
    properties = list(intact_boxes(avif, listed.content, listed.end))
    indices = _primary_indices(avif, inside, container)
    chosen = [properties[at - 1] for at in indices if 0 < at <= len(properties)] or properties
    found: dict[bytes, bytes] = {}
    for box in chosen:
        content = avif[box.content : box.end]
        name, content = (box.name + content[:4], content[4:]) if box.name == b"colr" else (box.name, content)
        found.setdefault(name, content)
    return found


def _find(data: bytes, within: Box, name: bytes) -> Box | None:
    return next((box for box in intact_boxes(data, within.content, within.end) if box.name == name), None)


def _primary_indices(avif: bytes, meta: Box, container: Box) -> list[int]:
    """The numbers of the primary item's properties, from 1."""
    primary, associations = _find(avif, meta, b"pitm"), _find(avif, container, b"ipma")
    if not primary or not associations:
        return []
    item = _number(avif[primary.content + 4 : primary.end])
    flags = _number(avif[associations.content : associations.content + 4])
    id_bytes, wide = (4 if flags >> 24 else 2), flags & 1
    index_bytes, index_mask = (2, 0x7FFF) if wide else (1, 0x7F)
    at = associations.content + 8
    for _ in range(_MAX_ITEMS):
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
