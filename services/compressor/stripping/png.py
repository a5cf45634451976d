"""Remove the metadata of a PNG, still or animated. Source: PNG (Third Edition), W3C 2025."""

import zlib
from collections.abc import Iterator

from services.compressor.decoders import (
    PNG_COLOUR_CHUNKS,
    PNG_SIGNATURE,
    essential_png,
    iter_png_chunks,
    png_chunk_bytes,
)
from services.compressor.stripping.deflate import DeflateStream
from services.compressor.stripping.kept import Kept

_PIXEL_CHUNKS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IEND"})
# Chunks with numbers that viewers apply to the pixels, and the bytes of their content.
_NUMBER_CHUNKS = PNG_COLOUR_CHUNKS | {b"acTL": 8, b"fcTL": 26}
_PROFILE_NAMES = frozenset({b"ICC Profile", b"ICC profile", b"icc"})  # as encoders write them
_SEQUENCE_BYTES = 4


def strip_png(original: bytes, kept: Kept) -> bytes:
    """The chunks of the pixels and their colours, and `kept`.

    Raises ValueError for a chunk that is not understood, and zlib.error if the pixels are broken.
    """
    try:
        chunks = list(_without_metadata(original, kept))
    except (ValueError, zlib.error):  # it violates the format, but browsers may show it
        chunks = list(_without_metadata(essential_png(original), kept))
    return PNG_SIGNATURE + b"".join(png_chunk_bytes(name, data) for name, data in chunks)


def _without_metadata(original: bytes, kept: Kept) -> Iterator[tuple[bytes, bytes | memoryview]]:
    still, frame, frames, declared_frames = DeflateStream(), DeflateStream(), 0, 0
    exif = kept.exif
    for name, data in iter_png_chunks(original):
        if name == b"acTL":
            declared_frames = int.from_bytes(data[:4], "big")
        if name == b"fcTL":
            frame, frames = DeflateStream(), frames + 1
        if name == b"IDAT":
            if exif:
                yield b"eXIf", exif
                exif = None
            if pixels := still.cut(data):
                yield name, pixels
        elif name == b"fdAT" and frames <= declared_frames:
            yield name, bytes(data[:_SEQUENCE_BYTES]) + frame.cut(data[_SEQUENCE_BYTES:])
        elif name == b"iCCP" and kept.profile:
            yield name, _profile(bytes(data))
        elif name in _PIXEL_CHUNKS or (
            _NUMBER_CHUNKS.get(name) == len(data) and (name != b"fcTL" or frames <= declared_frames)
        ):
            yield name, data
        elif name[:1].isupper():
            raise ValueError(f"an unknown chunk {name!r}")


def _profile(data: bytes) -> bytes:
    """An iCCP chunk with a name that says nothing, and without what follows the compressed profile."""
    name, _, rest = data.partition(b"\0")
    compressed = DeflateStream().cut(memoryview(rest)[1:])
    return (name if name in _PROFILE_NAMES else b"icc") + b"\0" + rest[:1] + compressed
