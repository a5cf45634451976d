"""Read and edit the container of an AVIF: its boxes, and the items in them. Pure.

Sources: ISO/IEC 14496-12 (ISO base media file format, ISOBMFF) and ISO/IEC 23008-12 (items).
"""

from services.compressor.isobmff.box_reader import Box, big_endian, boxes, find_box, intact_boxes
from services.compressor.isobmff.edits import Edits, Range
from services.compressor.isobmff.item_locations import Location, read_locations
from services.compressor.isobmff.properties import (
    ItemProperties,
    item_properties,
    primary_item,
    primary_properties,
)

__all__ = [
    "Box",
    "Edits",
    "ItemProperties",
    "Location",
    "Range",
    "big_endian",
    "boxes",
    "find_box",
    "intact_boxes",
    "item_properties",
    "primary_item",
    "primary_properties",
    "read_locations",
]
