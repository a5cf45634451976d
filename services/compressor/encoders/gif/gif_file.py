"""Write a GIF frame by frame: none but the current one takes memory, and timing stays as it was.

Pillow's writer keeps all frames, and melts equal ones into one; here it only packs the pixels.
Format: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.encoders.changed_region import Box, box_around

_KEEP, _CLEAR_AFTERWARDS = 1, 2
_MAX_DELAY = 65535
_HEADER_AND_DESCRIPTOR = 13 + 768 + 10  # before the pixels in Pillow's file of a grey picture


class IndexedFrame(NamedTuple):
    indices: NDArray[np.uint8]
    milliseconds: int


class _Part(NamedTuple):
    box: Box
    indices: NDArray[np.uint8]
    disposal: int
    milliseconds: int


def write_gif(frames: Iterable[IndexedFrame], entries: NDArray[np.uint8], loop: int | None) -> bytes:
    """entries: RGBA, the last one clear. loop: how often it is played, 0 for ever; None for a still picture."""
    out = io.BytesIO()
    bits = max(1, (len(entries) - 1).bit_length())
    clear = len(entries) - 1
    for number, part in enumerate(_parts(frames, clear)):
        if number == 0:
            height, width = part.indices.shape
            out.write(b"GIF89a" + _short(width) + _short(height) + bytes((0xF0 | (bits - 1), 0, 0)))
            out.write(entries[:, :3].tobytes().ljust(3 << bits, b"\0"))
            if loop is not None and loop != 1:
                out.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + _short(min(max(loop - 1, 0), 65535)) + b"\0")
        out.write(_frame(part, clear))
    return out.getvalue() + b";"


def _parts(frames: Iterable[IndexedFrame], clear: int) -> Iterator[_Part]:
    """Of each frame what changed; of the first all.

    The next one must be known, for what it clears can only be cleared on the way out of this one.
    """
    upcoming = iter(frames)
    frame: IndexedFrame | None = next(upcoming)
    canvas: NDArray[np.uint8] | None = None
    while frame is not None:
        following = next(upcoming, None)
        changed = np.ones(frame.indices.shape, dtype=bool) if canvas is None else frame.indices != canvas
        vanishing = _vanishing(frame, following, clear)
        box = box_around(changed | vanishing)
        drawn = np.where(changed[box], frame.indices[box], np.uint8(clear))
        disposal = _CLEAR_AFTERWARDS if vanishing.any() else _KEEP
        yield _Part(box, drawn, disposal, frame.milliseconds)
        canvas = frame.indices.copy()
        if disposal == _CLEAR_AFTERWARDS:
            canvas[box] = clear
        frame = following


def _vanishing(frame: IndexedFrame, following: IndexedFrame | None, clear: int) -> NDArray[np.bool_]:
    if following is None:
        return np.zeros(frame.indices.shape, dtype=bool)
    vanishing: NDArray[np.bool_] = (following.indices == clear) & (frame.indices != clear)
    return vanishing


def _frame(part: _Part, clear: int) -> bytes:
    rows, columns = part.box
    delay = min(round(part.milliseconds / 10), _MAX_DELAY)
    control = b"!\xf9\x04" + bytes((part.disposal << 2 | 1,)) + _short(delay) + bytes((clear, 0))
    height, width = part.indices.shape
    place = b"," + b"".join(map(_short, (columns.start, rows.start, width, height))) + b"\0"
    return control + place + _packed(part.indices)


def _packed(indices: NDArray[np.uint8]) -> bytes:
    """By Pillow, out of whose file everything else is cut."""
    out = io.BytesIO()
    Image.fromarray(indices).save(out, "GIF", optimize=False, interlace=0)
    return out.getvalue()[_HEADER_AND_DESCRIPTOR:-1]


def _short(number: int) -> bytes:
    return number.to_bytes(2, "little")
