"""Write a BMP. Pillow can write neither 4 bits per pixel nor an alpha that browsers show, so those are written here.

Format: BITMAPFILEHEADER, BITMAPINFOHEADER and, for alpha, BITMAPV4HEADER, https://learn.microsoft.com/windows/win32/gdi/bitmap-storage
"""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.decoders import Density, per_metre

_HEADERS_BYTES, _ALPHA_HEADERS_BYTES = 54, 122
_BIT_FIELDS, _SRGB = 3, b"BGRs"
_ARGB_MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
_ENTRY_BYTES = 4
_DENSITY_AT, _DENSITY_BYTES = 38, 8


def write_true_colour_bmp(image: Image.Image) -> bytes:
    """image: in mode RGB or RGBA."""
    if image.mode == "RGBA":
        return _write_with_alpha(image)
    out = io.BytesIO()
    image.save(out, "BMP")
    return out.getvalue()


def with_density(bmp: bytes, density: Density | None) -> bytes:
    """A BMP of this module with this density, or none."""
    numbers = per_metre(density) if density else (0, 0)
    return bmp[:_DENSITY_AT] + struct.pack("<ii", *numbers) + bmp[_DENSITY_AT + _DENSITY_BYTES :]


def _write_with_alpha(image: Image.Image) -> bytes:
    rows = image.tobytes("raw", "BGRA", 0, -1)
    file_header = struct.pack("<2sIHHI", b"BM", _ALPHA_HEADERS_BYTES + len(rows), 0, 0, _ALPHA_HEADERS_BYTES)
    header = struct.pack("<IiiHHIIiiII", 108, *image.size, 1, 32, _BIT_FIELDS, len(rows), 0, 0, 0, 0)
    header += struct.pack("<4I4s", *_ARGB_MASKS, _SRGB)
    return (file_header + header).ljust(_ALPHA_HEADERS_BYTES, b"\0") + rows


def write_indexed_bmp(indices: NDArray[np.uint8], entries: NDArray[np.uint8]) -> bytes:
    """indices: the palette entry of each pixel, in rows. entries: the palette in RGBA, whose alpha is dropped."""
    height, width = indices.shape
    bits = _bits(len(entries))
    packed = _packed(indices, bits)
    table = np.zeros_like(entries)
    table[:, :3] = entries[:, 2::-1]
    offset = _HEADERS_BYTES + table.size
    rows = packed[::-1].tobytes()
    file_header = struct.pack("<2sIHHI", b"BM", offset + len(rows), 0, 0, offset)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, len(rows), 0, 0, len(entries), 0)
    return file_header + header + table.tobytes() + rows


def bmp_size(size: tuple[int, int], colours: int, bands: int) -> int:
    """The bytes of a file; above 256 colours each band takes 8 bits per pixel."""
    width, height = size
    palette = colours if colours <= 256 else 0
    bits = _bits(colours) if palette else 8 * bands
    headers = _ALPHA_HEADERS_BYTES if bands == 4 else _HEADERS_BYTES
    return headers + _ENTRY_BYTES * palette + height * _row_bytes(width, bits)


def _bits(colours: int) -> int:
    return 1 if colours <= 2 else 4 if colours <= 16 else 8


def _row_bytes(width: int, bits: int) -> int:
    """Rows are padded to a multiple of four bytes."""
    return (width * bits + 31) // 32 * 4


def _packed(indices: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Several pixels per byte, the leftmost in the highest bits."""
    height, width = indices.shape
    per_byte = 8 // bits
    padded = np.zeros((height, _row_bytes(width, bits) * per_byte), dtype=np.uint8)
    padded[:, :width] = indices
    packed = np.zeros((height, padded.shape[1] // per_byte), dtype=np.uint8)
    for place in range(per_byte):
        packed |= padded[:, place::per_byte] << np.uint8(8 - bits * (place + 1))
    return packed
