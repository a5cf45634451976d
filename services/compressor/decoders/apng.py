"""Read animated PNG, as browsers show it. Pillow fills with black what the file clears, where it has no alpha."""

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from PIL.PngImagePlugin import PngImageFile

from services.compressor.decoders.compositing import Part
from services.compressor.decoders.pixel_modes import to_basic_mode
from services.compressor.decoders.png_chunks import PNG_SIGNATURE, Chunk, Header, check_pixels, png_chunk_bytes

_DISPOSALS: dict[int, Literal["keep", "clear", "previous"]] = {0: "keep", 1: "clear", 2: "previous"}
_NAMELESS_DENOMINATOR = 100
_FRAME_BYTES = 26
_SHARED = frozenset({b"PLTE", b"tRNS"})


@dataclass(slots=True)
class _Frame:
    """control: the fcTL chunk, which says place, size, time and what becomes of the frame."""

    control: bytes
    pixels: list[memoryview] = field(default_factory=list)

    def number(self, at: int, length: int = 4) -> int:
        return int.from_bytes(self.control[at : at + length], "big")


@dataclass(slots=True)
class Apng:
    """loop: how often it is played; 0 is for ever."""

    header: Header
    loop: int
    frames: list[_Frame] = field(default_factory=list)
    shared: list[tuple[bytes, bytes]] = field(default_factory=list)

    def parts(self) -> Iterator[Part]:
        """Raises ValueError, or what Pillow raises, if pixels of a frame are missing."""
        for frame in self.frames:
            header = self.header._replace(width=frame.number(4), height=frame.number(8))
            check_pixels(frame.pixels, header)
            image = to_basic_mode(PngImageFile(io.BytesIO(self._alone(frame, header)))).convert("RGBA")
            yield Part(
                image,
                at=(frame.number(12), frame.number(16)),
                milliseconds=_milliseconds(frame),
                over=frame.control[25] == 1,
                disposal=_DISPOSALS.get(frame.control[24], "keep"),
            )

    def _alone(self, frame: _Frame, header: Header) -> bytes:
        """The frame as a PNG of its own."""
        sides = header.width.to_bytes(4, "big") + header.height.to_bytes(4, "big")
        rest = bytes((header.depth, header.colour_type, 0, 0, header.interlaced))
        pieces = [(b"IHDR", sides + rest), *self.shared, (b"IDAT", b"".join(frame.pixels)), (b"IEND", b"")]
        return PNG_SIGNATURE + b"".join(png_chunk_bytes(name, data) for name, data in pieces)


def read_apng(pieces: Iterable[Chunk], header: Header) -> Apng | None:
    """From all chunks of the file; None if it is not animated. Raises ValueError if it lacks frames it announces."""
    animation, announced = Apng(header, loop=0), 0
    for name, data in pieces:
        if name == b"acTL" and len(data) == 8:
            announced, animation.loop = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:], "big")
        elif name in _SHARED:
            animation.shared.append((name, bytes(data)))
        elif name == b"fcTL":
            animation.frames.append(_frame(bytes(data), header))
        elif name == b"IDAT" and animation.frames:
            animation.frames[-1].pixels.append(data)  # without a frame before it, it is for viewers that know no APNG
        elif name == b"fdAT" and animation.frames:
            animation.frames[-1].pixels.append(data[4:])
    if announced < 2:
        return None
    if len(animation.frames) < announced:
        raise ValueError("frames are missing")
    del animation.frames[announced:]
    return animation


def _frame(control: bytes, header: Header) -> _Frame:
    frame = _Frame(control)
    right, bottom = frame.number(12) + frame.number(4), frame.number(16) + frame.number(8)
    inside = right <= header.width and bottom <= header.height and frame.number(4) and frame.number(8)
    if len(control) != _FRAME_BYTES or not inside:
        raise ValueError("a frame that is not inside the picture")
    return frame


def _milliseconds(frame: _Frame) -> int:
    return round(1000 * frame.number(20, 2) / (frame.number(22, 2) or _NAMELESS_DENOMINATOR))
