"""Read GIF: its blocks strictly, its frames as browsers show them. Source: GIF89a, CompuServe 1990.

Pillow decodes the pixels of each frame, but cannot be used for whole files: it accepts a file that ends between two
frames, fills what no frame covers with a colour where browsers show what is behind, and applies a disposal to later
frames too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import Image

from services.compressor.decoders.compositing import Disposal, FramePart

_EXTENSION, _FRAME, _TRAILER, _PADDING = 0x21, 0x2C, 0x3B, 0x00
_CONTROL, _APPLICATION = 0xF9, 0xFF
_LOOP_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_GREY_PALETTE = bytes(level for level in range(256) for _ in range(3))
_DISPOSALS: dict[int, Disposal] = {2: "clear", 3: "previous"}


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
        image = Image.frombytes("P", self.size, blocks, "gif", code_size, int(self.interlaced), -1)
        image.putpalette(self.palette)
        if self.control.transparent is not None:
            image.info["transparency"] = self.control.transparent
        return image


@dataclass(slots=True)
class Gif:
    """loop: how often the animation is played; 0 means for ever. The file stores repetitions, or nothing for once."""

    size: tuple[int, int]
    loop: int = 1
    frames: list[GifFrame] = field(default_factory=list)

    def parts(self) -> Iterator[FramePart]:
        """The decoded frames as stored. Raises ValueError if a frame's pixels are missing."""
        for frame in self.frames:
            image, control = frame.decode().convert("RGBA"), frame.control
            yield FramePart(image, frame.position, control.milliseconds, blend=True, disposal=control.disposal)


def read_gif(data: bytes) -> Gif:
    """Read the structure without decoding pixels. Raises ValueError if the file is truncated or not a valid GIF."""
    try:
        return _read(data)
    except IndexError as error:
        raise ValueError("the file is truncated") from error


def _read(data: bytes) -> Gif:
    gif = Gif((_number(data, 6), _number(data, 8)))
    global_palette, at = _palette(data, 13, data[10])
    control = _Control()
    while (block := data[at]) != _TRAILER:
        if block == _FRAME:
            frame, at = _frame(data, at + 1, global_palette, control)
            gif.frames.append(frame)
            control = _Control()
        elif block == _EXTENSION:
            label, start = data[at + 1], at + 2
            at = _after_blocks(data, start)
            if label == _CONTROL:
                control = _control(data, start)
            elif label == _APPLICATION and data[start + 1 : start + 12] in _LOOP_APPLICATIONS and data[start + 13] == 1:
                repeats = _number(data, start + 14)
                gif.loop = repeats and repeats + 1
        elif block == _PADDING:
            at += 1
        else:
            raise ValueError(f"an unknown block {block:#x}")
    if not gif.frames:
        raise ValueError("no frame")
    return gif


def _frame(data: bytes, at: int, global_palette: bytes | None, control: _Control) -> tuple[GifFrame, int]:
    position, size = (_number(data, at), _number(data, at + 2)), (_number(data, at + 4), _number(data, at + 6))
    flags = data[at + 8]
    local_palette, start = _palette(data, at + 9, flags)
    end = _after_blocks(data, start + 1)
    if 0 in size:
        raise ValueError("a frame without pixels")
    palette, interlaced = local_palette or global_palette or _GREY_PALETTE, bool(flags & 0x40)
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


def _after_blocks(data: bytes, at: int) -> int:
    while size := data[at]:
        at += size + 1
    return at + 1


def _number(data: bytes, at: int) -> int:
    return data[at] | data[at + 1] << 8
