"""Remove the metadata of a PNG, still or animated. Source: PNG (Third Edition), W3C 2025."""

import zlib
from collections.abc import Iterator

from services.compressor.decoders import (
    PNG_COLOUR_CHUNKS,
    PNG_KEY_BYTES,
    PNG_SIGNATURE,
    Header,
    essential_png,
    iter_png_chunks,
    pixel_bytes,
    png_chunk_bytes,
    png_header,
)
from services.compressor.stripping.deflate import DeflateStream
from services.compressor.stripping.kept import Kept

_INDEXED = 3
# Chunks with numbers that viewers apply to the pixels, and the bytes of their content.
_NUMBER_CHUNKS = PNG_COLOUR_CHUNKS | {b"acTL": 8, b"fcTL": 26}
_PROFILE_NAMES = frozenset({b"ICC Profile", b"ICC profile", b"icc"})  # as encoders write them
_SEQUENCE_BYTES = 4


def strip_png(original: bytes, kept: Kept) -> bytes:
    """The chunks of the pixels and their colours, and `kept`.

    Raises ValueError for a chunk that is not understood or for more pixels than the picture has, and zlib.error if the
    pixels are broken.
    """
    try:
        chunks = list(_without_metadata(original, kept))
    except (ValueError, zlib.error):  # it violates the format, but browsers may show it
        chunks = list(_without_metadata(essential_png(original), kept))
    return PNG_SIGNATURE + b"".join(png_chunk_bytes(name, data) for name, data in chunks)


def _without_metadata(original: bytes, kept: Kept) -> Iterator[tuple[bytes, bytes | memoryview]]:
    header = png_header(original)
    still, frame, frames, declared_frames = DeflateStream(pixel_bytes(header)), DeflateStream(), 0, 0
    exif, colours = kept.exif, 0
    for name, data in iter_png_chunks(original):
        if name == b"PLTE":
            colours = len(data) // 3
        if name == b"acTL":
            declared_frames = int.from_bytes(data[:4], "big")
        if name == b"fcTL":
            frame, frames = DeflateStream(_frame_bytes(data, header)), frames + 1
        if name == b"IDAT":
            if exif:
                yield b"eXIf", exif
                exif = None
            if pixels := still.cut(data):
                yield name, pixels
        elif name in (b"fcTL", b"fdAT") and frames > declared_frames:
            continue
        elif name == b"fdAT":
            yield name, bytes(data[:_SEQUENCE_BYTES]) + frame.cut(data[_SEQUENCE_BYTES:])
        elif name == b"iCCP" and kept.profile:
            yield name, _profile(bytes(data))
        elif (content := _content(name, data, header.colour_type, colours)) is not None:
            yield name, content


def _content(name: bytes, data: memoryview, colour_type: int, colours: int) -> bytes | memoryview | None:
    """What is needed of a chunk; None if it is not needed. colours: in the palette before it.

    Raises ValueError for an unknown chunk that decoders must understand.
    """
    match name:
        case b"IHDR":
            return data
        case b"IEND":
            return b""
        case b"PLTE":
            return data if colour_type == _INDEXED else None  # in others it is a proposal
        case b"tRNS":
            return data[: PNG_KEY_BYTES.get(colour_type, colours)] or None
    if name[:1].isupper():
        raise ValueError(f"an unknown chunk {name!r}")
    return data if _NUMBER_CHUNKS.get(name) == len(data) else None


def _frame_bytes(control: memoryview, header: Header) -> int:
    """Of the rows of an animation's frame, by its fcTL chunk."""
    width, height = (int.from_bytes(control[at : at + 4], "big") for at in (4, 8))
    return pixel_bytes(header._replace(width=width, height=height))


def _profile(data: bytes) -> bytes:
    """An iCCP chunk with a name that says nothing, and without what follows the compressed profile."""
    name, _, rest = data.partition(b"\0")
    compressed = DeflateStream().cut(memoryview(rest)[1:])
    return (name if name in _PROFILE_NAMES else b"icc") + b"\0" + rest[:1] + compressed
