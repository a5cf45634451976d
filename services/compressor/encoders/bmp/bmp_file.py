"""Write a BMP. Pillow knows no 4 bits a pixel, so palettes are written here.

Format: BITMAPFILEHEADER and BITMAPINFOHEADER, https://learn.microsoft.com/windows/win32/gdi/bitmap-storage
"""

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_HEADERS_BYTES = 54
_ENTRY_BYTES = 4


def write_true_colour_bmp(image: Image.Image) -> bytes:
    """From mode RGB or RGBA."""
    out = io.BytesIO()
    image.save(out, "BMP")
    return out.getvalue()


def write_indexed_bmp(indices: NDArray[np.uint8], entries: NDArray[np.uint8]) -> bytes:
    """From an entry of the RGBA palette for each pixel, in rows. Alpha is dropped."""
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
    """The bytes of a file; beyond 256 colours each of the bands takes 8 bits."""
    width, height = size
    palette = colours if colours <= 256 else 0
    bits = _bits(colours) if palette else 8 * bands
    return _HEADERS_BYTES + _ENTRY_BYTES * palette + height * _row_bytes(width, bits)


def _bits(colours: int) -> int:
    return 1 if colours <= 2 else 4 if colours <= 16 else 8


def _row_bytes(width: int, bits: int) -> int:
    """Rows end at a multiple of four bytes."""
    return (width * bits + 31) // 32 * 4


def _packed(indices: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """The leftmost pixel in a byte's highest bits."""
    height, width = indices.shape
    a_byte = 8 // bits
    wide = np.zeros((height, _row_bytes(width, bits) * a_byte), dtype=np.uint8)
    wide[:, :width] = indices
    packed = np.zeros((height, wide.shape[1] // a_byte), dtype=np.uint8)
    for place in range(a_byte):
        packed |= wide[:, place::a_byte] << np.uint8(8 - bits * (place + 1))
    return packed
