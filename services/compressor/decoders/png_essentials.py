"""Rebuild a PNG that violates its format, but that every browser shows: Pillow refuses such files.

Browsers ignore broken chunks that do not affect pixels, a missing end, and a wrong checksum of the pixels. Here a wrong
checksum is accepted if another one shows that the pixels are right: each chunk has one, and the compressed pixels have
one.
"""

import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from services.compressor.decoders.inflate import inflated
from services.compressor.decoders.png_chunks import (
    PNG_COLOUR_CHUNKS,
    PNG_KEY_BYTES,
    PNG_SIGNATURE,
    Header,
    pixel_bytes,
    png_chunk_bytes,
    png_header,
)

_PIXELS, _FRAME_PIXELS, _END = b"IDAT", b"fdAT", b"IEND"
_AFFECT_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"acTL", b"fcTL", _PIXELS, _FRAME_PIXELS})
_LENGTHS = PNG_COLOUR_CHUNKS | {b"acTL": 8, b"pHYs": 9}
_MAX_PROFILE_NAME = 79
_ZLIB_HEADER, _CHECKSUM_BYTES = 2, 4


class _Chunk(NamedTuple):
    name: bytes
    data: bytes
    intact: bool


def essential_png(png: bytes) -> bytes:
    """A valid PNG with the same pixels, colours and orientation; other metadata is dropped.

    Raises ValueError if pixels are missing or may be wrong.
    """
    header = png_header(png)
    chunks = [chunk for chunk in _chunks(png) if _is_needed(chunk, header)]
    if not all(chunk.intact for chunk in chunks if chunk.name != _PIXELS):
        raise ValueError("a wrong checksum")
    pixels = [chunk for chunk in chunks if chunk.name == _PIXELS]
    first = next((index for index, chunk in enumerate(chunks) if chunk.name == _PIXELS), len(chunks))
    rebuilt = [png_chunk_bytes(chunk.name, chunk.data) for chunk in chunks if chunk.name != _PIXELS]
    rebuilt.insert(first, png_chunk_bytes(_PIXELS, _with_valid_checksum(pixels, header)))
    return b"".join((PNG_SIGNATURE, *rebuilt, png_chunk_bytes(_END, b"")))


def _chunks(png: bytes) -> Iterator[_Chunk]:
    """Up to IEND, the end of the file, or something that is no chunk.

    Pixels may be truncated; they count as intact, because nothing contradicts them.
    """
    at = len(PNG_SIGNATURE)
    while (name := png[at + 4 : at + 8]).isalpha() and name != _END:
        end = at + 8 + int.from_bytes(png[at : at + 4], "big")
        data, checksum = png[at + 8 : end], png[end : end + _CHECKSUM_BYTES]
        whole = len(checksum) == _CHECKSUM_BYTES
        if whole or name in (_PIXELS, _FRAME_PIXELS):
            yield _Chunk(name, data, not whole or zlib.crc32(data, zlib.crc32(name)) == int.from_bytes(checksum, "big"))
        at = end + _CHECKSUM_BYTES


def _is_needed(chunk: _Chunk, header: Header) -> bool:
    """Whether a chunk affects what is shown, and is well-formed unless browsers refuse the file for it."""
    name, data, intact = chunk
    if len(data) != _LENGTHS.get(name, len(data)):
        return False
    if name == b"tRNS":
        return len(data) >= PNG_KEY_BYTES.get(header.colour_type, 1)
    if name == b"iCCP":
        end_of_name = data.find(b"\0")
        return intact and 0 < end_of_name <= _MAX_PROFILE_NAME and data[end_of_name + 1 : end_of_name + 2] == b"\0"
    return name in _AFFECT_PIXELS or (intact and (name in _LENGTHS or name == b"eXIf"))


def _with_valid_checksum(pixels: Iterable[_Chunk], header: Header) -> bytes:
    """The compressed pixels with the checksum of what they contain.

    Raises ValueError if rows are missing, or if both the checksum of a chunk and that of the pixels are wrong.
    """
    chunks = list(pixels)
    packed = b"".join(chunk.data for chunk in chunks)
    try:
        checksum, inflate = _checked_rows(packed[_ZLIB_HEADER:], pixel_bytes(header))
    except zlib.error as error:
        raise ValueError(str(error)) from error
    valid = checksum.to_bytes(_CHECKSUM_BYTES, "big")
    if not all(chunk.intact for chunk in chunks) and inflate.unused_data[:_CHECKSUM_BYTES] != valid:
        raise ValueError("a wrong checksum of the pixels")
    return packed[: len(packed) - len(inflate.unused_data)] + valid if inflate.eof else packed


def _checked_rows(deflated: bytes, expected: int) -> "tuple[int, zlib._Decompress]":
    """The checksum of the expected bytes, and the decompressor behind them. Raises ValueError if some are missing."""
    inflate, checksum = zlib.decompressobj(-zlib.MAX_WBITS), zlib.adler32(b"")
    for rows in inflated(inflate, deflated):
        expected -= len(rows)
        checksum = zlib.adler32(rows, checksum)
        if expected <= 0:
            break
    if expected > 0:
        raise ValueError("pixels are missing")
    if not inflate.eof:
        inflate.decompress(inflate.unconsumed_tail, 1)  # the end may follow the last row
    return checksum, inflate
