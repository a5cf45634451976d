"""Whether a file ends where its format says that it does. Pure.

For bodies whose host closed the connection without the end that HTTP demands: many hosts do so after every response,
and the same happens when a transfer is cut off.
"""

from shared.file_types import BMP, GIF, JPEG, PNG, WEBP, binary_type

TAIL_BYTES = 12
"""`ends_whole` reads at most this many of a file's last bytes."""

_LAST_BYTES = {
    JPEG: b"\xff\xd9",  # the marker EOI
    PNG: b"\0\0\0\0IEND\xaeB`\x82",  # the last chunk
    GIF: b"\0;",  # the end of a block, and the trailer; 1 of 65,536 cuts ends so too, which decoding finds
}
_RIFF_HEADER_BYTES = 8


def ends_whole(head: bytes, tail: bytes, size: int) -> bool:
    """Whether the file with these first and last bytes has its end. False if its format has no mark to tell by."""
    match binary_type(head):
        case kind if kind in _LAST_BYTES:
            return tail.endswith(_LAST_BYTES[kind])
        case kind if kind == WEBP:
            return size == _RIFF_HEADER_BYTES + int.from_bytes(head[4:8], "little")
        case kind if kind == BMP:
            return size == int.from_bytes(head[2:6], "little")
        case _:
            return False
