"""Read GIF as browsers show it, but refuse frames with missing pixels. Source: GIF89a, CompuServe 1990.

Pillow decodes the pixels of each frame, but cannot be used for whole files: it accepts frames with missing pixels,
fills what no frame covers with a colour where browsers show what is behind, and applies a disposal to later frames too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image

from services.compressor.decoders.compositing import Disposal, FramePart

_EXTENSION, _FRAME, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOP = re.compile(rb"\x0b(?:NETSCAPE2\.0|ANIMEXTS1\.0)\x03\x01(..)", re.DOTALL)
_BLACK_PALETTE = bytes(768)  # where the file has none, browsers show black
_DISPOSALS: dict[int, Disposal] = {2: "clear", 3: "previous", 4: "previous"}  # 4: old encoders meant 3
_MAX_CODE_SIZE = 8


class _Control(NamedTuple):
    """A graphic control extension, which applies to the next frame. transparent: a palette index."""

    milliseconds: int = 0
    transparent: int | None = None
    disposal: Disposal = "keep"


@dataclass(frozen=True, slots=True)
class GifFrame:
    """A frame as it is stored. data: the LZW code size and the data blocks."""

    position: tuple[int, int]
    size: tuple[int, int]
    control: _Control
    palette: bytes
    interlaced: bool
    data: bytes

    def decode(self) -> Image.Image:
        """The frame in mode P. Raises ValueError if pixels are missing."""
        blocks, code_size = self.data[1:], self.data[0]
        if code_size > _MAX_CODE_SIZE:
            raise ValueError("LZW codes of more than 8 bits")
        image = Image.frombytes("P", self.size, blocks, "gif", code_size, int(self.interlaced), -1)
        image.putpalette(self.palette)
        if self.control.transparent is not None:
            image.info["transparency"] = self.control.transparent
        return image


@dataclass(slots=True)
class Gif:
    """An opened file.

    size: of the screen, enlarged where the first frame reaches beyond it, as browsers do. Later frames are cropped.
    loop: how often the animation is played; 0 means for ever. The file stores repetitions, or nothing for once.
    """

    size: tuple[int, int]
    loop: int = 1
    frames: list[GifFrame] = field(default_factory=list)

    def parts(self) -> Iterator[FramePart]:
        """The decoded frames as stored. Raises ValueError if a frame's pixels are missing."""
        for frame in self.frames:
            image = Image.new("RGBA", frame.size) if 0 in frame.size else frame.decode().convert("RGBA")
            control = frame.control
            yield FramePart(image, frame.position, control.milliseconds, blend=True, disposal=control.disposal)


def read_gif(data: bytes) -> Gif:
    """Read the structure without decoding pixels.

    The trailer may be missing, and anything that is no block ends the file too, as in browsers.
    Raises ValueError if the file is truncated within a frame or its control block, or contains no pixels.
    """
    try:
        return _read(data)
    except IndexError as error:
        raise ValueError("the file is truncated") from error


def _read(data: bytes) -> Gif:
    gif = Gif((_number(data, 6), _number(data, 8)))
    global_palette, at = _palette(data, 13, data[10])
    control: _Control | None = None
    while (block := data[at : at + 1]) and block[0] in (_FRAME, _EXTENSION):
        if block[0] == _FRAME:
            frame, at = _frame(data, at + 1, global_palette, control or _Control())
            gif.frames.append(frame)
            control = None
            continue
        label, start = data[at + 1], at + 2
        at = after_gif_blocks(data, start)
        if label == _CONTROL:
            control = _control(data, start)
        elif label == _APPLICATION and (loop := _LOOP.match(data, start)):
            repeats = _number(loop[1], 0)
            gif.loop = repeats and repeats + 1
    if control and block != bytes((_TRAILER,)):
        raise ValueError("the file is truncated")
    if all(0 in frame.size for frame in gif.frames):
        raise ValueError("no frame")
    gif.size = _enlarged(gif.size, gif.frames[0])
    return gif


def _enlarged(screen: tuple[int, int], first: GifFrame) -> tuple[int, int]:
    (x, y), (width, height) = first.position, first.size
    return max(screen[0], x + width), max(screen[1], y + height)


def _frame(data: bytes, at: int, global_palette: bytes | None, control: _Control) -> tuple[GifFrame, int]:
    position, size = (_number(data, at), _number(data, at + 2)), (_number(data, at + 4), _number(data, at + 6))
    flags = data[at + 8]
    local_palette, start = _palette(data, at + 9, flags)
    if start >= len(data):
        raise ValueError("the file is truncated")
    end = after_gif_blocks(data, start + 1)
    palette, interlaced = local_palette or global_palette or _BLACK_PALETTE, bool(flags & 0x40)
    return GifFrame(position, size, control, palette, interlaced, data[start:end]), end


def _control(data: bytes, at: int) -> _Control:
    if data[at] < 4:
        raise ValueError("a control block is too short")
    flags = data[at + 1]
    return _Control(
        milliseconds=_number(data, at + 2) * 10,
        transparent=data[at + 4] if flags & 1 else None,
        disposal=_DISPOSALS.get(flags >> 2 & 7, "keep"),
    )


def _palette(data: bytes, at: int, flags: int) -> tuple[bytes | None, int]:
    """The palette at `at`, if the flags declare one, and where it ends."""
    if not flags & 0x80:
        return None, at
    end = at + (3 << (flags & 7) + 1)
    return data[at:end], end


def after_gif_blocks(data: bytes, at: int) -> int:
    """Where the data blocks at `at` end; if the file is truncated within them, after its end."""
    while at < len(data) and (size := data[at]):
        at += size + 1
    return at + 1


def _number(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8
