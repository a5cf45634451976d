"""Write the EXIF and GPS directories into a TIFF. With libtiff, Pillow writes only their offsets.

Layout: TIFF 6.0, section 2, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
"""

import struct
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
"""The tags whose value is the offset of a further directory."""

_FIRST_DIRECTORY_AT = 4
_ENTRY_BYTES = 12
_VALUE_OFFSET = 8  # within an entry


def with_directories(tiff: bytes, directories: Mapping[int, Mapping[int, Any]]) -> bytes:
    """The file with the directories appended and its offset entries set.

    tiff: little-endian, with an entry for each key of `directories`. directories: tags and values by directory tag.
    """
    extended = bytearray(tiff)
    for tag, values in directories.items():
        extended += bytes(len(extended) % 2)  # a directory begins at an even offset
        struct.pack_into("<I", extended, _value_offset(tag, tiff), len(extended))
        directory = ImageFileDirectory_v2(prefix=b"II", group=tag)
        for name, value in values.items():
            if name != ExifTags.IFD.Interop:  # a third directory, without information about the picture
                directory[name] = value
        extended += directory.tobytes(len(extended))
    return bytes(extended)


def _value_offset(tag: int, tiff: bytes) -> int:
    """The file offset of a tag's value in the first directory."""
    (start,) = struct.unpack_from("<I", tiff, _FIRST_DIRECTORY_AT)
    (count,) = struct.unpack_from("<H", tiff, start)
    entries = range(start + 2, start + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES)
    return next(at for at in entries if struct.unpack_from("<H", tiff, at) == (tag,)) + _VALUE_OFFSET
