"""Write an animated PNG frame by frame: only two frames are in memory, and every frame keeps its duration.

Pillow's own writer keeps all frames in memory and merges equal ones. Here Pillow only compresses the pixels.
Format: https://www.w3.org/TR/png-3/#apngFrame-based-animation
"""

import io
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.compressor.decoders import PNG_SIGNATURE, iter_png_chunks, png_chunk_bytes
from services.compressor.encoders.changed_region import Box, box_around

Pixels = NDArray[np.uint8]
"""Rows of palette indices, or of RGBA."""

_SOURCE, _OVER = 0, 1  # blend operations
_ANIMATED = b"acTL"


class PixelFrame(NamedTuple):
    pixels: Pixels
    milliseconds: int


class Playback(NamedTuple):
    """repetitions: 0 for ever."""

    frames: int
    repetitions: int


class _ApngFrame(NamedTuple):
    box: Box
    pixels: Pixels
    blend: int
    milliseconds: int


class Transparency(NamedTuple):
    """pixel: the transparent one. is_opaque: which pixels of an array are opaque."""

    pixel: Pixels
    is_opaque: Callable[[Pixels], NDArray[np.bool_]]


def write_apng(
    frames: Iterable[PixelFrame], transparency: Transparency, png_of: Callable[[Pixels], bytes], playback: Playback
) -> bytes:
    """An animated PNG. png_of: encodes pixels as a PNG, always of the same colour type."""
    out = io.BytesIO()
    sequence = 0
    for number, part in enumerate(_parts(frames, transparency)):
        png = list(iter_png_chunks(png_of(part.pixels)))
        if number == 0:
            out.write(PNG_SIGNATURE)
            for name, data in png:
                if name in (b"IDAT", b"IEND"):
                    break
                out.write(png_chunk_bytes(name, data))
                if name == b"IHDR":
                    out.write(png_chunk_bytes(_ANIMATED, struct.pack(">II", *playback)))
        out.write(png_chunk_bytes(b"fcTL", _control(sequence, part)))
        sequence += 1
        for name, data in png:
            if name == b"IDAT" and number == 0:
                out.write(png_chunk_bytes(name, data))
            elif name == b"IDAT":
                out.write(png_chunk_bytes(b"fdAT", struct.pack(">I", sequence) + bytes(data)))
                sequence += 1
    out.write(png_chunk_bytes(b"IEND", b""))
    return out.getvalue()


def _parts(frames: Iterable[PixelFrame], transparency: Transparency) -> Iterator[_ApngFrame]:
    """The changed region of each frame; the whole first frame.

    If all changed pixels are opaque, the unchanged pixels between them become transparent, which compresses best.
    """
    previous: Pixels | None = None
    for pixels, milliseconds in frames:
        if previous is None:
            whole_frame = (slice(0, pixels.shape[0]), slice(0, pixels.shape[1]))
            yield _ApngFrame(whole_frame, pixels, _SOURCE, milliseconds)
        else:
            differs = pixels != previous
            changed = differs.any(axis=2) if differs.ndim == 3 else differs
            box = box_around(changed)
            if transparency.is_opaque(pixels[changed]).all():
                drawn = pixels[box].copy()
                drawn[~changed[box]] = transparency.pixel
                yield _ApngFrame(box, drawn, _OVER, milliseconds)
            else:
                yield _ApngFrame(box, pixels[box], _SOURCE, milliseconds)
        previous = pixels


def _control(sequence: int, part: _ApngFrame) -> bytes:
    rows, columns = part.box
    delay = (part.milliseconds, 1000) if part.milliseconds <= 65535 else (min(part.milliseconds // 1000, 65535), 1)
    height, width = part.pixels.shape[:2]
    return struct.pack(">IIIIIHHBB", sequence, width, height, columns.start, rows.start, *delay, 0, part.blend)
