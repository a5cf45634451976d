"""Write the directories of EXIF and GPS into a TIFF. libtiff, through Pillow, writes only their offsets.

Layout: TIFF 6.0, section 2, https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
"""

import struct
from collections.abc import Mapping
from typing import Any

from PIL import ExifTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
"""The tags whose value is where another directory begins."""

_FIRST_DIRECTORY_AT = 4
_ENTRY_BYTES = 12
_VALUE_AT = 8  # in an entry


def with_directories(tiff: bytes, directories: Mapping[int, Mapping[int, Any]]) -> bytes:
    """The same file, little-endian and with an entry for each of the directories' tags, with what they lead to."""
    whole = bytearray(tiff)
    for tag, values in directories.items():
        whole += bytes(len(whole) % 2)  # a directory begins at an even offset
        struct.pack_into("<I", whole, _value_of(tag, tiff), len(whole))
        directory = ImageFileDirectory_v2(prefix=b"II", group=tag)
        for name, value in values.items():
            if name != ExifTags.IFD.Interop:  # a third directory, which says nothing of the picture
                directory[name] = value
        whole += directory.tobytes(len(whole))
    return bytes(whole)


def _value_of(tag: int, tiff: bytes) -> int:
    """Where the value of a tag in the first directory stands."""
    (start,) = struct.unpack_from("<I", tiff, _FIRST_DIRECTORY_AT)
    (count,) = struct.unpack_from("<H", tiff, start)
    entries = range(start + 2, start + 2 + count * _ENTRY_BYTES, _ENTRY_BYTES)
    return next(at for at in entries if struct.unpack_from("<H", tiff, at) == (tag,)) + _VALUE_AT
