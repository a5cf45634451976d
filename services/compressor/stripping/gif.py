"""Remove the metadata of a GIF, still or animated. Source: GIF89a, CompuServe 1990."""

from services.compressor.stripping.kept import Kept

_HEADER_BYTES = 13
_EXTENSION, _FRAME = 0x21, 0x2C
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOP_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_CONTROL_BYTES, _LOOP_BYTES, _DESCRIPTOR_BYTES = 4, 3, 10


def strip_gif(original: bytes, _kept: Kept) -> bytes:
    """The screen, its palette, the frames with their control blocks, and the number of repetitions.

    Comments, plain text, which no browser shows, and all applications' data go. Nothing can be kept: a GIF has neither
    EXIF nor a profile that viewers apply. The trailer may be missing, as in browsers. Raises IndexError if the file is
    broken.
    """
    at = _after_palette(_HEADER_BYTES, original[10])
    parts = [original[:at]]
    while (block := original[at : at + 1]) and block[0] in (_FRAME, _EXTENSION):
        start = at
        if block[0] == _FRAME:
            at = _after_blocks(original, _after_palette(at + _DESCRIPTOR_BYTES, original[at + 9]) + 1)
            parts.append(original[start:at])
        else:
            at = _after_blocks(original, at + 2)
            parts.append(_needed_extension(original[start:at]))
    is_cut_off = at > len(original) and bool(parts[-1])  # a trailer would then count as pixels
    return b"".join((*parts, b"" if is_cut_off else b";"))


def _needed_extension(block: bytes) -> bytes:
    """A control or loop block with its fixed length; nothing for the other extensions."""
    label, size = block[1], block[2]
    if label == _CONTROL and size >= _CONTROL_BYTES:
        return block[:2] + bytes((_CONTROL_BYTES,)) + block[3 : 3 + _CONTROL_BYTES] + b"\0"
    if label == _APPLICATION and block[3:14] in _LOOP_APPLICATIONS and block[14] >= _LOOP_BYTES and block[15] == 1:
        return block[:14] + bytes((_LOOP_BYTES,)) + block[15 : 15 + _LOOP_BYTES] + b"\0"
    return b""


def _after_palette(at: int, flags: int) -> int:
    return at + (3 << (flags & 7) + 1) if flags & 0x80 else at


def _after_blocks(gif: bytes, at: int) -> int:
    """Where the data blocks at `at` end; if the file is cut off within them, after its end."""
    while at < len(gif) and (size := gif[at]):
        at += size + 1
    return at + 1
