"""Remove the metadata of a WebP, still or animated. Source: WebP container specification, RFC 9649."""

import io
from collections.abc import Iterator

from PIL import Image

from services.compressor.stripping.kept import Kept
from services.compressor.stripping.needed_bytes import needed_bytes

_HEADER_BYTES = 12
_EXTENDED, _FRAME = b"VP8X", b"ANMF"
_PIXEL_CHUNKS = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_FRAME_HEADER_BYTES, _ANIMATION_BYTES, _EXTENDED_BYTES = 16, 6, 10
_HAS_PROFILE, _HAS_ALPHA, _HAS_EXIF, _IS_ANIMATED = 0x20, 0x10, 0x08, 0x02

Chunks = Iterator[tuple[bytes, bytes]]


def strip_webp(original: bytes, kept: Kept) -> bytes:
    """The chunks of the pixels, the profile that changes them, and `kept`.

    Raises ValueError if the file has no extended header, which EXIF would need.
    """
    end = _HEADER_BYTES - 4 + int.from_bytes(original[4:8], "little")
    chunks = list(_without_metadata(original[:end], kept))
    if kept.exif:
        if chunks[0][0] != _EXTENDED:
            raise ValueError("no extended header")
        chunks.append((b"EXIF", kept.exif))
    body = b"WEBP" + b"".join(_chunk(name, data) for name, data in chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _without_metadata(webp: bytes, kept: Kept) -> Chunks:
    for name, data in _chunks(webp, _HEADER_BYTES):
        if name == _EXTENDED:
            wanted = _HAS_ALPHA | _IS_ANIMATED | (_HAS_PROFILE if kept.profile else 0)
            yield name, bytes((data[0] & wanted | (_HAS_EXIF if kept.exif else 0), 0, 0, 0)) + data[4:_EXTENDED_BYTES]
        elif name == _FRAME:
            parts = (
                _chunk(*_without_rest(*part)) for part in _chunks(data, _FRAME_HEADER_BYTES) if part[0] in _PIXEL_CHUNKS
            )
            yield name, data[:_FRAME_HEADER_BYTES] + b"".join(parts)
        elif name == b"ANIM":
            yield name, data[:_ANIMATION_BYTES]
        elif name in _PIXEL_CHUNKS:
            yield _without_rest(name, data)
        elif name == b"ICCP" and kept.profile:
            yield name, data


def _without_rest(name: bytes, data: bytes) -> tuple[bytes, bytes]:
    """The chunk without what follows its pixels. Of transparency that is not searched."""
    if name == b"ALPH":
        return name, data
    return name, data[: needed_bytes(len(data), lambda size: _decodes(name, data[:size]))]


def _decodes(name: bytes, data: bytes) -> bool:
    body = b"WEBP" + _chunk(name, data)
    try:
        Image.open(io.BytesIO(b"RIFF" + len(body).to_bytes(4, "little") + body), formats=("WEBP",)).load()
    except OSError:
        return False
    return True


def _chunks(riff: bytes, at: int) -> Chunks:
    """Raises ValueError if a chunk is truncated."""
    while at + 8 <= len(riff):
        start = at + 8
        end = start + int.from_bytes(riff[at + 4 : start], "little")
        if end > len(riff):
            raise ValueError("a chunk is truncated")
        yield riff[at : at + 4], riff[start:end]
        at = end + (end - start) % 2


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + len(data).to_bytes(4, "little") + data + b"\0" * (len(data) % 2)
