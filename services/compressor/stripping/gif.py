"""Remove the metadata of a GIF, still or animated. Source: GIF89a, CompuServe 1990."""

from dataclasses import replace

from services.compressor.decoders import GifFrame, after_gif_blocks, read_gif
from services.compressor.stripping.kept import Kept
from services.compressor.stripping.needed_bytes import needed_bytes

_HEADER_BYTES = 13
_EXTENSION, _FRAME = 0x21, 0x2C
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOP_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_CONTROL_BYTES, _LOOP_BYTES, _DESCRIPTOR_BYTES = 4, 3, 10
_BLOCK_BYTES = 255


def strip_gif(original: bytes, _kept: Kept) -> bytes:
    """The screen, its palette, the frames with their control blocks, and the number of repetitions.

    Comments, plain text, which no browser shows, and all applications' data go. Nothing can be kept: a GIF has neither
    EXIF nor a profile that viewers apply. The trailer may be missing, as in browsers. Raises IndexError or ValueError
    if the file is broken.
    """
    frames = iter(read_gif(original).frames)
    at = _after_palette(_HEADER_BYTES, original[10])
    parts = [original[:at]]
    while (block := original[at : at + 1]) and block[0] in (_FRAME, _EXTENSION):
        start = at
        if block[0] == _FRAME:
            pixels = _after_palette(at + _DESCRIPTOR_BYTES, original[at + 9])
            at = after_gif_blocks(original, pixels + 1)
            parts += (original[start:pixels], _needed_data(next(frames)))
        else:
            at = after_gif_blocks(original, at + 2)
            parts.append(_needed_extension(original[start:at]))
    is_cut_off = at > len(original) and bool(parts[-1])  # a trailer would then count as pixels
    return b"".join((*parts, b"" if is_cut_off else b";"))


def _needed_data(frame: GifFrame) -> bytes:
    """The code size and the data blocks, without what follows the pixels."""
    if 0 in frame.size:
        return frame.data[:1] + b"\0"
    packed = _joined(frame.data[1:])
    length = needed_bytes(len(packed), lambda size: _decodes(frame, packed[:size]))
    return frame.data if length == len(packed) else frame.data[:1] + _in_blocks(packed[:length])


def _decodes(frame: GifFrame, packed: bytes) -> bool:
    try:
        replace(frame, data=frame.data[:1] + _in_blocks(packed)).decode()
    except ValueError:
        return False
    return True


def _joined(blocks: bytes) -> bytes:
    parts, at = [], 0
    while at < len(blocks) and (size := blocks[at]):
        parts.append(blocks[at + 1 : at + 1 + size])
        at += 1 + size
    return b"".join(parts)


def _in_blocks(packed: bytes) -> bytes:
    blocks = (packed[at : at + _BLOCK_BYTES] for at in range(0, len(packed), _BLOCK_BYTES))
    return b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"


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
