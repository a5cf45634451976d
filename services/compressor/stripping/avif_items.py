"""Remove the items of an AVIF that are not its picture. Source: ISO/IEC 14496-12, 8.11 (meta box); HEIF; AVIF."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from services.compressor.isobmff import (
    Box,
    Edits,
    ItemProperties,
    Location,
    Range,
    big_endian,
    boxes,
    item_properties,
    primary_item,
    read_locations,
)
from services.compressor.stripping.av1 import without_metadata
from services.compressor.stripping.avif_boxes import blank_configuration, is_alpha, is_needed, remove_handler_name
from services.compressor.stripping.kept import Kept

_FULL_BOX_BYTES = 4  # of version and flags
_NEEDED_BOXES = frozenset({b"hdlr", b"pitm", b"iinf", b"iloc", b"iprp", b"idat", b"iref"})
_IMAGES = frozenset({b"av01", b"grid", b"iovl", b"iden"})
_REFERENCES = frozenset({b"dimg", b"auxl", b"prem"})
_MAX_DEPTH = 8  # of images that are made of images, each with its alpha
_FREE_BOX = b"\0\0\0\x08free"


class _Reference(NamedTuple):
    box: Box
    source: int
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Items:
    """The content of a meta box. infos, types: by item."""

    boxes: dict[bytes, Box]
    infos: dict[int, Box]
    types: dict[int, bytes]
    locations: dict[int, Location]
    references: list[_Reference]
    properties: list[Box]
    associations: list[ItemProperties]
    primary: int


def strip_items(data: bytes, meta: Box, edits: Edits, kept: Kept) -> list[Range]:
    """Record the edits of a meta box. Returns the ranges of the file that hold the pixels of items.

    Raises ValueError or KeyError if it has a structure that is not understood, or no place for EXIF that is to be kept.
    """
    items = _read(data, meta)
    images = _images(data, items)
    exif = _exif_item(items) if kept.exif else None
    wanted = images if exif is None else images | {exif}
    edits.containers.append(meta)
    for box in boxes(data, meta.content + _FULL_BOX_BYTES, meta.end):
        if box != items.boxes.get(box.name):
            edits.delete(box.start, box.end)
    remove_handler_name(items.boxes[b"hdlr"], edits)
    _strip_infos(data, items, wanted, edits)
    _strip_properties(data, items, images, edits, kept)
    _strip_references(items, images, exif, edits)
    return _strip_locations(data, items, images, exif, edits, kept)


def _read(data: bytes, meta: Box) -> _Items:
    found = {
        box.name: box for box in boxes(data, meta.content + _FULL_BOX_BYTES, meta.end) if box.name in _NEEDED_BOXES
    }
    infos = dict(_infos(data, found[b"iinf"]))
    property_boxes = list(boxes(data, found[b"iprp"].content, found[b"iprp"].end))
    containers = [box for box in property_boxes if box.name == b"ipco"]
    return _Items(
        boxes=found,
        infos=infos,
        types={item: data[box.content + _type_at(data, box) :][:4] for item, box in infos.items()},
        locations=read_locations(data, found[b"iloc"], found.get(b"idat")),
        references=list(_references(data, found[b"iref"])) if b"iref" in found else [],
        properties=[each for box in containers for each in boxes(data, box.content, box.end)],
        associations=[each for box in property_boxes if box.name == b"ipma" for each in item_properties(data, box)],
        primary=primary_item(data, found[b"pitm"]),
    )


def _infos(data: bytes, box: Box) -> Iterator[tuple[int, Box]]:
    for info in boxes(data, box.content + (8 if data[box.content] else 6), box.end):
        if info.name != b"infe" or data[info.content] not in (2, 3):
            raise ValueError("unknown information about an item")
        yield big_endian(data, info.content + _FULL_BOX_BYTES, _type_at(data, info) - 6), info


def _type_at(data: bytes, info: Box) -> int:
    """Where the type of an item is in its infe box, after the item's number and an index of two bytes."""
    return 8 if data[info.content] == 2 else 10


def _references(data: bytes, box: Box) -> Iterator[_Reference]:
    wide = 4 if data[box.content] else 2
    for reference in boxes(data, box.content + _FULL_BOX_BYTES, box.end):
        at = reference.content
        count = big_endian(data, at + wide, 2)
        targets = tuple(big_endian(data, at + wide + 2 + wide * index, wide) for index in range(count))
        yield _Reference(reference, big_endian(data, at, wide), targets)


def _images(data: bytes, items: _Items) -> set[int]:
    """The primary item, the images that it is made of, and their alpha."""
    alpha = {
        each.item
        for each in items.associations
        for index in each.properties
        if 0 <= index < len(items.properties)
        and items.properties[index].name == b"auxC"
        and is_alpha(data[items.properties[index].content : items.properties[index].end])
    }
    images, more = set[int](), {items.primary}
    for _ in range(_MAX_DEPTH):
        images |= more
        parts = [targets for box, source, targets in items.references if box.name == b"dimg" and source in images]
        auxiliaries = [
            source for box, source, targets in items.references if box.name == b"auxl" and images & set(targets)
        ]
        more = {*chain(*parts), *(alpha & set(auxiliaries))} - images
    if more:
        raise ValueError("a long chain of images")
    if not {items.types[item] for item in images} <= _IMAGES:
        raise ValueError("an unknown kind of image")
    return images


def _exif_item(items: _Items) -> int:
    """The item whose content can be replaced by the EXIF to keep. Raises ValueError if there is none."""
    for box, source, targets in items.references:
        if box.name == b"cdsc" and targets == (items.primary,) and items.types.get(source) == b"Exif":
            return source
    raise ValueError("no EXIF")


def _strip_infos(data: bytes, items: _Items, wanted: Collection[int], edits: Edits) -> None:
    box = items.boxes[b"iinf"]
    edits.containers.append(box)
    edits.overwrite(box.content + _FULL_BOX_BYTES, len(wanted).to_bytes(4 if data[box.content] else 2, "big"))
    for item, info in items.infos.items():
        if item in wanted:
            edits.containers.append(info)
            edits.replace(info.content + _type_at(data, info) + 4, info.end, b"\0")  # its name
        else:
            edits.delete(info.start, info.end)


def _strip_properties(data: bytes, items: _Items, images: Collection[int], edits: Edits, kept: Kept) -> None:
    """Properties are counted, so a box of free space takes the place of each one that goes."""
    used = {index for each in items.associations if each.item in images for index in each.properties}
    edits.containers.append(items.boxes[b"iprp"])
    for box in boxes(data, items.boxes[b"iprp"].content, items.boxes[b"iprp"].end):
        if box.name not in (b"ipco", b"ipma"):
            edits.delete(box.start, box.end)
            continue
        edits.containers.append(box)
        if box.name == b"ipma":
            _strip_associations(data, box, images, edits)
    for index, box in enumerate(items.properties):
        if index not in used or not is_needed(data, box, kept):
            edits.replace(box.start, box.end, _FREE_BOX)
        elif box.name == b"av1C":
            blank_configuration(data, box, edits)


def _strip_associations(data: bytes, box: Box, images: Collection[int], edits: Edits) -> None:
    associations = list(item_properties(data, box))
    count = sum(each.item in images for each in associations)
    edits.overwrite(box.content + _FULL_BOX_BYTES, count.to_bytes(4, "big"))
    for each in associations:
        if each.item not in images:
            edits.delete(each.start, each.end)


def _strip_references(items: _Items, images: Collection[int], exif: int | None, edits: Edits) -> None:
    if b"iref" not in items.boxes:
        return
    edits.containers.append(items.boxes[b"iref"])
    for box, source, targets in items.references:
        of_images = box.name in _REFERENCES and source in images and set(targets) <= set(images)
        if not of_images and not (box.name == b"cdsc" and source == exif):
            edits.delete(box.start, box.end)


def _strip_locations(
    data: bytes, items: _Items, images: Collection[int], exif: int | None, edits: Edits, kept: Kept
) -> list[Range]:
    box = items.boxes[b"iloc"]
    edits.containers.append(box)
    wide = 4 if data[box.content] == 2 else 2
    edits.overwrite(box.content + 6, (len(images) + (exif is not None)).to_bytes(wide, "big"))
    ranges: list[Range] = []
    for item, location in items.locations.items():
        if item in images:
            location.move(edits)
            ranges += location.ranges
            if items.types[item] == b"av01":
                for start, end in location.ranges:
                    edits.overwrite(start, without_metadata(data[start:end]))
        elif item == exif:
            location.replace_content(bytes(4) + (kept.exif or b""), edits)
            ranges += location.ranges
        else:
            edits.delete(location.start, location.end)
    if b"idat" in items.boxes:
        edits.keep_only(ranges, items.boxes[b"idat"])
    return ranges
