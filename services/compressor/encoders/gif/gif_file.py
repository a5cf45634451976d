"""Write a GIF frame by frame: only neighbouring frames are in memory, and every frame keeps its duration.

Pillow's own writer keeps all frames in memory and merges equal ones. Here Pillow only compresses the pixels.
Format: https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.compressor.encoders.changed_region import Box, box_around

_KEEP, _RESTORE_TO_BACKGROUND = 1, 2  # disposal methods
_MAX_DELAY = 65535
_BYTES_BEFORE_PIXELS = 13 + 768 + 10  # header, palette and image descriptor of Pillow's file of a grey picture


class IndexedFrame(NamedTuple):
    indices: NDArray[np.uint8]
    milliseconds: int


class _GifFrame(NamedTuple):
    box: Box
    indices: NDArray[np.uint8]
    disposal: int
    milliseconds: int


def write_gif(frames: Iterable[IndexedFrame], entries: NDArray[np.uint8], loop: int | None) -> bytes:
    """A still or animated GIF.

    entries: the palette in RGBA, the last entry transparent. loop: how often the animation plays, 0 for ever; None for
        a still picture.
    """
    out = io.BytesIO()
    bits = max(1, (len(entries) - 1).bit_length())
    transparent = len(entries) - 1
    for number, part in enumerate(_parts(frames, transparent)):
        if number == 0:
            height, width = part.indices.shape
            out.write(b"GIF89a" + _short(width) + _short(height) + bytes((0xF0 | (bits - 1), 0, 0)))
            out.write(entries[:, :3].tobytes().ljust(3 << bits, b"\0"))
            if loop is not None and loop != 1:
                out.write(b"!\xff\x0bNETSCAPE2.0\x03\x01" + _short(min(max(loop - 1, 0), 65535)) + b"\0")
        out.write(_frame(part, transparent))
    return out.getvalue() + b";"


def _parts(frames: Iterable[IndexedFrame], transparent: int) -> Iterator[_GifFrame]:
    """The changed region of each frame; the whole first frame.

    A GIF cannot draw transparency: pixels that become transparent must be cleared by the disposal of the frame before.
    So the following frame must be known.
    """
    upcoming = iter(frames)
    frame: IndexedFrame | None = next(upcoming)
    canvas: NDArray[np.uint8] | None = None
    while frame is not None:
        following = next(upcoming, None)
        changed = np.ones(frame.indices.shape, dtype=bool) if canvas is None else frame.indices != canvas
        becoming_transparent = _becoming_transparent(frame, following, transparent)
        box = box_around(changed | becoming_transparent)
        drawn = np.where(changed[box], frame.indices[box], np.uint8(transparent))
        disposal = _RESTORE_TO_BACKGROUND if becoming_transparent.any() else _KEEP
        yield _GifFrame(box, drawn, disposal, frame.milliseconds)
        canvas = frame.indices.copy()
        if disposal == _RESTORE_TO_BACKGROUND:
            canvas[box] = transparent
        frame = following


def _becoming_transparent(frame: IndexedFrame, following: IndexedFrame | None, transparent: int) -> NDArray[np.bool_]:
    if following is None:
        return np.zeros(frame.indices.shape, dtype=bool)
    becoming_transparent: NDArray[np.bool_] = (following.indices == transparent) & (frame.indices != transparent)
    return becoming_transparent


def _frame(part: _GifFrame, transparent: int) -> bytes:
    rows, columns = part.box
    delay = min(round(part.milliseconds / 10), _MAX_DELAY)
    control = b"!\xf9\x04" + bytes((part.disposal << 2 | 1,)) + _short(delay) + bytes((transparent, 0))
    height, width = part.indices.shape
    descriptor = b"," + b"".join(map(_short, (columns.start, rows.start, width, height))) + b"\0"
    return control + descriptor + _compressed(part.indices)


def _compressed(indices: NDArray[np.uint8]) -> bytes:
    """LZW-compressed by Pillow, cut out of its file."""
    out = io.BytesIO()
    Image.fromarray(indices).save(out, "GIF", optimize=False, interlace=0)
    return out.getvalue()[_BYTES_BEFORE_PIXELS:-1]


def _short(number: int) -> bytes:
    return number.to_bytes(2, "little")
