"""Remove the metadata of a BMP. Source: BITMAPFILEHEADER to BITMAPV5HEADER, https://learn.microsoft.com/windows/win32/gdi/."""

import struct

from services.compressor.decoders import is_icc_profile
from services.compressor.stripping.kept import Kept

_FILE_HEADER_BYTES, _CORE_HEADER_BYTES, _INFO_HEADER_BYTES, _OS2_HEADER_BYTES, _V5_HEADER_BYTES = 14, 12, 40, 64, 124
_PLAIN, _RLE8, _RLE4, _MASKS, _ALPHA_MASKS = 0, 1, 2, 3, 6
# From the start of the second header.
_DENSITY_AT, _RESERVED_OS2_AT, _COLOUR_SPACE_AT, _ENDPOINTS_AT, _PROFILE_AT = 24, 40, 56, 60, 112
_RESERVED_AT, _ENDPOINT_BYTES = 120, 48
_CALIBRATED = bytes(4)
_LINKED, _EMBEDDED, _SRGB = b"KNIL", b"DEBM", b"BGRs"


def strip_bmp(original: bytes, _kept: Kept) -> bytes:
    """Headers, palette, pixels, and an embedded profile; without gaps, density and anything that follows.

    Raises ValueError for a kind whose pixels cannot be delimited, or struct.error if the file is broken.
    """
    (pixels_at,) = struct.unpack_from("<I", original, 10)
    (header_bytes,) = struct.unpack_from("<I", original, _FILE_HEADER_BYTES)
    header = bytearray(original[_FILE_HEADER_BYTES : _FILE_HEADER_BYTES + header_bytes])
    tables_at = _FILE_HEADER_BYTES + header_bytes
    tables = original[tables_at : min(tables_at + _table_bytes(header), pixels_at)]
    pixels = _pixels(original[pixels_at:], header)
    if len(header) >= _INFO_HEADER_BYTES:
        header[_DENSITY_AT : _DENSITY_AT + 8] = bytes(8)
    _blank_unused(header)
    profile = _profile(original, header, len(header) + len(tables) + len(pixels))
    start = _FILE_HEADER_BYTES + len(header) + len(tables)
    size = start + len(pixels) + len(profile)
    return b"BM" + struct.pack("<IHHI", size, 0, 0, start) + bytes(header) + tables + pixels + profile


def _blank_unused(header: bytearray) -> None:
    """The fields of OS/2, reserved ones, and primaries and curves of other colour spaces than a calibrated one."""
    if len(header) == _OS2_HEADER_BYTES:
        header[_RESERVED_OS2_AT:] = bytes(len(header) - _RESERVED_OS2_AT)
    if len(header) > _COLOUR_SPACE_AT and header[_COLOUR_SPACE_AT:_ENDPOINTS_AT] != _CALIBRATED:
        unused = header[_ENDPOINTS_AT : _ENDPOINTS_AT + _ENDPOINT_BYTES]
        header[_ENDPOINTS_AT : _ENDPOINTS_AT + _ENDPOINT_BYTES] = bytes(len(unused))
    header[_RESERVED_AT:] = bytes(len(header[_RESERVED_AT:]))


def _geometry(header: bytes | bytearray) -> tuple[int, int, int, int]:
    """Width, height, bits per pixel, compression."""
    if len(header) == _CORE_HEADER_BYTES:
        width, height, _, bits = struct.unpack_from("<HHHH", header, 4)
        return width, height, bits, _PLAIN
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", _padded(header), 4)
    return width, abs(height), bits, compression


def _table_bytes(header: bytes | bytearray) -> int:
    """Of the masks and the palette after the header."""
    _, _, bits, compression = _geometry(header)
    if len(header) == _CORE_HEADER_BYTES:
        return 3 << bits if bits <= 8 else 0
    masks = {_MASKS: 12, _ALPHA_MASKS: 16}.get(compression, 0) if len(header) == _INFO_HEADER_BYTES else 0
    (colours,) = struct.unpack_from("<I", _padded(header), 32)
    return masks + (4 * (min(colours, 1 << bits) or 1 << bits) if bits <= 8 else 0)


def _padded(header: bytes | bytearray) -> bytes:
    """OS/2 may leave out the fields at the end, which are then 0."""
    return bytes(header).ljust(_INFO_HEADER_BYTES, b"\0")


def _pixels(data: bytes, header: bytes | bytearray) -> bytes:
    width, height, bits, compression = _geometry(header)
    if compression in (_RLE8, _RLE4):
        return data[: _run_lengths_end(data, compression)]
    if compression not in (_PLAIN, _MASKS, _ALPHA_MASKS) or (compression and len(header) == _OS2_HEADER_BYTES):
        raise ValueError("an unknown compression")
    return data[: (width * bits + 31) // 32 * 4 * height]


def _run_lengths_end(data: bytes, compression: int) -> int:
    """After the code for the end of the bitmap. Raises IndexError if there is none."""
    at = 0
    while (data[at], data[at + 1]) != (0, 1):
        count, code = data[at], data[at + 1]
        at += 2
        if count == 0 and code == 2:  # a jump
            at += 2
        elif count == 0 and code > 2:  # literal pixels, padded to an even number of bytes
            literals = code if compression == _RLE8 else (code + 1) // 2
            at += literals + literals % 2
    return at + 2


def _profile(original: bytes, header: bytearray, place: int) -> bytes:
    """An embedded profile, whose place the header then names. A link, which is a file's name, becomes sRGB."""
    if len(header) < _V5_HEADER_BYTES or header[_COLOUR_SPACE_AT : _COLOUR_SPACE_AT + 4] not in (_LINKED, _EMBEDDED):
        return b""
    at, size = struct.unpack_from("<II", header, _PROFILE_AT)
    start = _FILE_HEADER_BYTES + at
    profile = original[start : start + size]
    if (
        header[_COLOUR_SPACE_AT : _COLOUR_SPACE_AT + 4] == _EMBEDDED
        and is_icc_profile(profile)
        and size == len(profile)
    ):
        struct.pack_into("<I", header, _PROFILE_AT, place)
        return profile
    header[_COLOUR_SPACE_AT : _COLOUR_SPACE_AT + 4] = _SRGB
    struct.pack_into("<II", header, _PROFILE_AT, 0, 0)
    return b""
