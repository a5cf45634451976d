"""Read animated PNG as browsers show it. Source: PNG (Third Edition), W3C 2025.

Pillow cannot be used for whole files: where a frame without alpha is cleared, it fills the area with black.
"""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from services.compressor.decoders.compositing import Disposal, FramePart
from services.compressor.decoders.pixel_modes import to_basic_mode
from services.compressor.decoders.png_chunks import PNG_SIGNATURE, Chunk, Header, check_pixels, png_chunk_bytes
from services.compressor.decoders.png_key import apply_colour_key

_DISPOSALS: dict[int, Disposal] = {0: "keep", 1: "clear", 2: "previous"}
_BLEND_OVER = 1
_DEFAULT_DELAY_DENOMINATOR = 100
_FRAME_CONTROL_BYTES = 26
_MAX_FRAMES = (1 << 31) - 1  # as all integers of PNG; browsers ignore larger ones
_SHARED_CHUNKS = frozenset({b"PLTE", b"tRNS"})


@dataclass(slots=True)
class _Frame:
    """control: the content of the fcTL chunk: position, size, delay, disposal and blending."""

    control: bytes
    pixels: list[memoryview] = field(default_factory=list)

    def number(self, offset: int, length: int = 4) -> int:
        """The number at an offset of the fcTL chunk."""
        return int.from_bytes(self.control[offset : offset + length], "big")


@dataclass(slots=True)
class Apng:
    """loop: how often the animation is played; 0 means for ever. shared: chunks that all frames need, one of a kind."""

    header: Header
    loop: int
    frames: list[_Frame] = field(default_factory=list)
    shared: dict[bytes, bytes] = field(default_factory=dict)

    def parts(self) -> Iterator[FramePart]:
        """The stored parts of the frames. Raises ValueError, or what Pillow raises, if a frame's pixels are missing."""
        for frame in self.frames:
            header = self.header._replace(width=frame.number(4), height=frame.number(8))
            check_pixels(frame.pixels, header)
            yield FramePart(
                self._decoded(frame, header),
                position=(frame.number(12), frame.number(16)),
                milliseconds=_milliseconds(frame),
                blend=frame.control[25] == _BLEND_OVER,
                disposal=_DISPOSALS.get(frame.control[24], "keep"),
            )

    def _decoded(self, frame: _Frame, header: Header) -> Image.Image:
        png = self._as_png(frame, header)
        image = PngImageFile(io.BytesIO(png))
        image.load()
        apply_colour_key(image, png)
        return to_basic_mode(image).convert("RGBA")

    def _as_png(self, frame: _Frame, header: Header) -> bytes:
        """The frame as a PNG file."""
        size = header.width.to_bytes(4, "big") + header.height.to_bytes(4, "big")
        coding = bytes((header.depth, header.colour_type, 0, 0, header.interlaced))
        chunks = [(b"IHDR", size + coding), *self.shared.items(), (b"IDAT", b"".join(frame.pixels)), (b"IEND", b"")]
        return PNG_SIGNATURE + b"".join(png_chunk_bytes(name, data) for name, data in chunks)


def read_apng(chunks: Iterable[Chunk], header: Header) -> Apng | None:
    """The frames in a PNG's chunks; None if browsers show its main picture. Raises ValueError if frames are missing.

    There is one frame only if a file with a single frame also has a picture for viewers without APNG support.
    """
    animation, declared_frames, has_main_picture = Apng(header, loop=0), 0, False
    for name, data in chunks:
        if name == b"acTL" and len(data) == 8 and not (has_main_picture or animation.frames):
            declared_frames, animation.loop = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")
        elif name in _SHARED_CHUNKS:
            animation.shared[name] = bytes(data)
        elif name == b"fcTL":
            animation.frames.append(_frame(bytes(data), header))
        elif name == b"IDAT":
            if animation.frames:
                animation.frames[-1].pixels.append(data)
            else:
                has_main_picture = True
        elif name == b"fdAT" and animation.frames:
            animation.frames[-1].pixels.append(data[4:])
    if not ((declared_frames == 1 and has_main_picture) or 2 <= declared_frames <= _MAX_FRAMES):
        return None
    if len(animation.frames) < declared_frames:
        raise ValueError("frames are missing")
    del animation.frames[declared_frames:]
    return animation


def _frame(control: bytes, header: Header) -> _Frame:
    frame = _Frame(control)
    right, bottom = frame.number(12) + frame.number(4), frame.number(16) + frame.number(8)
    inside = right <= header.width and bottom <= header.height and frame.number(4) and frame.number(8)
    if len(control) != _FRAME_CONTROL_BYTES or not inside:
        raise ValueError("a frame is not inside the picture")
    return frame


def _milliseconds(frame: _Frame) -> int:
    return round(1000 * frame.number(20, 2) / (frame.number(22, 2) or _DEFAULT_DELAY_DENOMINATOR))
