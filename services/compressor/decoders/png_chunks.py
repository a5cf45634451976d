"""A PNG's chunks, read strictly, and written. Sources: PNG (Third Edition), W3C 2025; it includes APNG."""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR = frozenset({b"gAMA", b"cHRM", b"sRGB", b"cICP"})  # iCCP is Pillow's to read and write
_PIXELS_DEPEND_ON = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # Adam7
_INFLATED_AT_ONCE = 1 << 20


class Chunk(NamedTuple):
    name: bytes
    data: memoryview


class Header(NamedTuple):
    """IHDR. depth: bits of a sample."""

    width: int
    height: int
    depth: int
    colour_type: int
    interlaced: bool


def iter_png_chunks(png: bytes) -> Iterator[Chunk]:
    """All, up to and with IEND.

    Raises ValueError if the file ends before, or if a checksum is wrong on which pixels depend; elsewhere it is
    no harm.
    """
    view = memoryview(png)
    at = len(PNG_SIGNATURE)
    name = b""
    while name != b"IEND":
        length = int.from_bytes(view[at : at + 4], "big")
        name, data = bytes(view[at + 4 : at + 8]), view[at + 8 : at + 8 + length]
        end = at + 12 + length
        if end > len(png):
            raise ValueError("the file was cut off")
        critical = name[:1].isupper() or name in _PIXELS_DEPEND_ON
        if critical and zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ValueError(f"a wrong checksum in {name!r}")
        yield Chunk(name, data)
        at = end


def png_chunk_bytes(name: bytes, data: bytes | memoryview) -> bytes:
    """One chunk as it stands in a file."""
    checksum = zlib.crc32(data, zlib.crc32(name))
    return len(data).to_bytes(4, "big") + name + data + checksum.to_bytes(4, "big")


def header(png: bytes) -> Header:
    """Raises ValueError if there is none."""
    first = next(iter_png_chunks(png))
    if first.name != b"IHDR" or len(first.data) != 13:
        raise ValueError("no header")
    data = first.data
    return Header(int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big"), data[8], data[9], bool(data[12]))


def colour_chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Type and data of each chunk that says which colours the numbers are, in the order of the file.

    Without them a picture may look darker or duller.
    """
    found = []
    for name, data in iter_png_chunks(png):
        if name == b"IDAT":
            break
        if name in _COLOUR:
            found.append((name, bytes(data)))
    return found


def check_pixels(pixels: Iterable[memoryview], of: Header) -> None:
    """Raises ValueError if the compressed pixels hold fewer rows than the header says: Pillow leaves those black."""
    wanted = _bytes_of(of)
    inflate = zlib.decompressobj()
    for piece in pixels:
        rest: bytes | memoryview = piece
        while len(rest) and wanted > 0:
            try:
                wanted -= len(inflate.decompress(rest, _INFLATED_AT_ONCE))
            except zlib.error as error:
                raise ValueError(str(error)) from error
            rest = inflate.unconsumed_tail
    if wanted > 0:
        raise ValueError("pixels are missing")


def _bytes_of(of: Header) -> int:
    bits = of.depth * _SAMPLES[of.colour_type]
    if not of.interlaced:
        return of.height * _row_bytes(of.width, bits)
    sides = [(-(-(of.width - x) // across), -(-(of.height - y) // down)) for x, y, across, down in _PASSES]
    return sum(height * _row_bytes(width, bits) for width, height in sides if width > 0)


def _row_bytes(width: int, bits: int) -> int:
    return 1 + (width * bits + 7) // 8
