"""Blank what an AV1 stream carries besides the picture. Source: AV1 Bitstream Specification, 5.3 to 5.8."""

_PADDING, _METADATA = 15, 5
_PICTURE_TYPES = frozenset({1, 2, 3, 4, 6, 7, 8})
_LIGHT_LEVELS = frozenset({1, 2})  # metadata that viewers need to map HDR tones
_HAS_EXTENSION, _HAS_SIZE = 0x04, 0x02
_TRAILING_BIT = 0x80


def without_metadata(stream: bytes) -> bytes:
    """The same number of bytes, in which padding replaces other units than the picture's.

    Raises ValueError or IndexError if the units are not understood.
    """
    blank, at = bytearray(stream), 0
    while at < len(stream):
        header, start = stream[at], at + (2 if stream[at] & _HAS_EXTENSION else 1)
        size = len(stream) - start
        if header & _HAS_SIZE:
            size, start = _leb128(stream, start)
        end = start + size
        if end > len(stream):
            raise ValueError("a unit is truncated")
        kind = header >> 3 & 15
        needed = kind in _PICTURE_TYPES or (kind == _METADATA and _leb128(stream, start)[0] in _LIGHT_LEVELS)
        if not needed and size:
            blank[at] = header & ~(15 << 3) | _PADDING << 3
            blank[start:end] = bytes(size - 1) + bytes((_TRAILING_BIT,))
        at = end
    return bytes(blank)


def _leb128(stream: bytes, at: int) -> tuple[int, int]:
    """A number, and the offset after it."""
    value = 0
    for index in range(8):
        value |= (stream[at + index] & 0x7F) << 7 * index
        if not stream[at + index] & 0x80:
            return value, at + index + 1
    raise ValueError("a number is too long")
