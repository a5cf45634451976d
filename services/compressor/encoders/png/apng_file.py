"""Write an animated PNG frame by frame: none but the current one takes memory, and timing stays as it was.

Pillow's writer keeps all frames, and melts equal ones into one; here it only packs the pixels.
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
"""Rows of palette entries, or of RGBA."""

_SOURCE, _OVER = 0, 1
_ANIMATED = b"acTL"


class PixelFrame(NamedTuple):
    pixels: Pixels
    milliseconds: int


class _Part(NamedTuple):
    box: Box
    pixels: Pixels
    blend: int
    milliseconds: int


class Transparency(NamedTuple):
    """Which pixel is clear, and which pixels are opaque."""

    pixel: Pixels
    is_opaque: Callable[[Pixels], NDArray[np.bool_]]


def write_apng(
    frames: Iterable[PixelFrame], clear: Transparency, png_of: Callable[[Pixels], bytes], times: tuple[int, int]
) -> bytes:
    """png_of: the PNG of some pixels, always of the same colour type. times: how many frames, how often played."""
    out = io.BytesIO()
    sequence = 0
    for number, part in enumerate(_parts(frames, clear)):
        png = list(iter_png_chunks(png_of(part.pixels)))
        if number == 0:
            out.write(PNG_SIGNATURE)
            for name, data in png:
                if name in (b"IDAT", b"IEND"):
                    break
                out.write(png_chunk_bytes(name, data))
                if name == b"IHDR":
                    out.write(png_chunk_bytes(_ANIMATED, struct.pack(">II", *times)))
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


def _parts(frames: Iterable[PixelFrame], clear: Transparency) -> Iterator[_Part]:
    """Of each frame what changed; of the first all.

    Where all that changed is opaque, pixels between that did not change are clear, since that packs best.
    """
    before: Pixels | None = None
    for pixels, milliseconds in frames:
        if before is None:
            everything = (slice(0, pixels.shape[0]), slice(0, pixels.shape[1]))
            yield _Part(everything, pixels, _SOURCE, milliseconds)
        else:
            differs = pixels != before
            changed = differs.any(axis=2) if differs.ndim == 3 else differs
            box = box_around(changed)
            if clear.is_opaque(pixels[changed]).all():
                drawn = pixels[box].copy()
                drawn[~changed[box]] = clear.pixel
                yield _Part(box, drawn, _OVER, milliseconds)
            else:
                yield _Part(box, pixels[box], _SOURCE, milliseconds)
        before = pixels


def _control(sequence: int, part: _Part) -> bytes:
    rows, columns = part.box
    delay = (part.milliseconds, 1000) if part.milliseconds <= 65535 else (min(part.milliseconds // 1000, 65535), 1)
    height, width = part.pixels.shape[:2]
    return struct.pack(">IIIIIHHBB", sequence, width, height, columns.start, rows.start, *delay, 0, part.blend)
