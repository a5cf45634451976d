"""Read a PNG's chunks strictly, and write chunks. Source: PNG (Third Edition), W3C 2025, which includes APNG."""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.compressor.decoders.inflate import inflated

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_COLOUR_CHUNKS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4, b"mDCV": 24, b"cLLI": 8}
"""The chunks that define the colours, and the bytes of their content. Pillow reads and writes iCCP."""

PNG_KEY_BYTES = {0: 2, 2: 6}
"""Of tRNS, by colour type; in an indexed PNG it has a byte for each colour."""

_AFFECT_PIXELS = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # per pixel, by colour type
_ADAM7_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


class Chunk(NamedTuple):
    name: bytes
    data: memoryview


class Header(NamedTuple):
    """The content of IHDR. depth: bits per sample."""

    width: int
    height: int
    depth: int
    colour_type: int
    interlaced: bool


def iter_png_chunks(png: bytes) -> Iterator[Chunk]:
    """All chunks up to IEND, which is included.

    Raises ValueError if the file ends before IEND, or at a wrong checksum in a chunk that affects pixels; elsewhere a
    wrong checksum is harmless.
    """
    view = memoryview(png)
    at = len(PNG_SIGNATURE)
    name = b""
    while name != b"IEND":
        length = int.from_bytes(view[at : at + 4], "big")
        name, data = bytes(view[at + 4 : at + 8]), view[at + 8 : at + 8 + length]
        end = at + 12 + length
        if end > len(png):
            raise ValueError("the file is truncated")
        affects_pixels = name[:1].isupper() or name in _AFFECT_PIXELS
        if affects_pixels and zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ValueError(f"a wrong checksum in {name!r}")
        yield Chunk(name, data)
        at = end


def png_chunk_bytes(name: bytes, data: bytes | memoryview) -> bytes:
    """One chunk as it is written to a file."""
    checksum = zlib.crc32(data, zlib.crc32(name))
    return len(data).to_bytes(4, "big") + name + data + checksum.to_bytes(4, "big")


def png_header(png: bytes) -> Header:
    """The content of IHDR. Raises ValueError if the first chunk is not a valid IHDR."""
    first = next(iter_png_chunks(png))
    if first.name != b"IHDR" or len(first.data) != 13 or first.data[9] not in _SAMPLES:
        raise ValueError("no valid header")
    data = first.data
    return Header(int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big"), data[8], data[9], bool(data[12]))


def colour_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Type and data of each chunk that defines the colour space, in the order of the file.

    Without them a picture may look darker or duller.
    """
    found = []
    for name, data in iter_png_chunks(png):
        if name == b"IDAT":
            break
        if PNG_COLOUR_CHUNKS.get(name) == len(data):  # viewers ignore one of another length
            found.append((name, bytes(data)))
    return found


def check_pixels(pixels: Iterable[memoryview], header: Header) -> None:
    """Raises ValueError if the compressed pixels contain fewer rows than declared: Pillow leaves missing rows black."""
    missing = pixel_bytes(header)
    inflate = zlib.decompressobj()
    try:
        for piece in pixels:
            for rows in inflated(inflate, piece):
                missing -= len(rows)
                if missing <= 0:
                    return
    except zlib.error as error:
        raise ValueError(str(error)) from error
    raise ValueError("pixels are missing")


def pixel_bytes(header: Header) -> int:
    """How many bytes all rows take before compression."""
    bits = header.depth * _SAMPLES[header.colour_type]
    if not header.interlaced:
        return header.height * _row_bytes(header.width, bits)
    sizes = [
        (-(-(header.width - x) // across), -(-(header.height - y) // down)) for x, y, across, down in _ADAM7_PASSES
    ]
    return sum(height * _row_bytes(width, bits) for width, height in sizes if width > 0)


def _row_bytes(width: int, bits: int) -> int:
    return 1 + (width * bits + 7) // 8
