"""GIFs, written block by block."""

import struct
from collections.abc import Callable
from functools import partial

from PIL import Image

from tests.zoo.specimen import HEIGHT, SIZE, WIDTH, Specimen, gradient

_KEEP, _CLEAR, _PREVIOUS = 1, 2, 3
_TRANSPARENT_INDEX = 255
_PATCH = (20, 10)


def lzw(indices: bytes) -> bytes:
    """LZW data in blocks. The dictionary is cleared before it grows, so that every code has nine bits."""
    codes: list[int] = []
    for at in range(0, len(indices), 250):
        codes += [256, *indices[at : at + 250]]
    packed = 0
    for at, code in enumerate([*codes, 257]):
        packed |= code << 9 * at
    data = packed.to_bytes((9 * (len(codes) + 1) + 7) // 8, "little")
    blocks = [data[at : at + 255] for at in range(0, len(data), 255)]
    return b"\x08" + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"


def control_block(hundredths: int, disposal: int, transparent: int | None = None) -> bytes:
    flags = disposal << 2 | (transparent is not None)
    return b"!\xf9\x04" + struct.pack("<BHB", flags, hundredths, transparent or 0) + b"\0"


def frame_block(
    picture: Image.Image, at: tuple[int, int] = (0, 0), *, own_palette: bool = False, data: bytes | None = None
) -> bytes:
    """An image block without a control block. data: LZW data to store instead of the picture's."""
    place = b"," + struct.pack("<HHHH", *at, *picture.size)
    palette = colour_table(picture) if own_palette else b""
    return place + (b"\x87" if own_palette else b"\0") + palette + (data or lzw(picture.tobytes()))


def colour_table(picture: Image.Image) -> bytes:
    return bytes(picture.getpalette() or ()).ljust(768, b"\0")[:768]


def gif_file(
    *blocks: bytes,
    common: Image.Image,
    loop: int | None = None,
    screen: tuple[int, int] = SIZE,
    end: bytes = b";",
) -> bytes:
    """A file with the palette of `common`."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0xF7, 0, 0) + colour_table(common)
    again = b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loop) + b"\0" if loop is not None else b""
    return head + again + b"".join(blocks) + end


def with_palette(picture: Image.Image) -> Image.Image:
    return picture.quantize(64, dither=Image.Dither.NONE)


def _still(*, clear: bool = False, alone: bool = True) -> Specimen:
    indexed = with_palette(gradient(16))
    shown = indexed.convert("RGB")
    if clear:
        indexed.paste(_TRANSPARENT_INDEX, (0, 0, 10, 10))
        shown.putalpha(255)
        shown.paste((0, 0, 0, 0), (0, 0, 10, 10))
    control = control_block(0, 0, _TRANSPARENT_INDEX) if clear else b""
    comment = b"" if alone else b"!\xfe\x05hello\0"
    return Specimen(gif_file(control, comment, frame_block(indexed), common=indexed), "gif", shown)


def _partial() -> Specimen:
    """A frame with a margin around it, in which browsers show the page behind."""
    part = with_palette(gradient(16)).crop((0, 0, *_PATCH))
    shown = Image.new("RGBA", SIZE)
    shown.paste(part.convert("RGBA"), (7, 9))
    return Specimen(gif_file(frame_block(part, (7, 9)), common=part), "gif", shown)


def _interlaced() -> Specimen:
    indexed = with_palette(gradient(16))
    order = [*range(0, HEIGHT, 8), *range(4, HEIGHT, 8), *range(2, HEIGHT, 4), *range(1, HEIGHT, 2)]
    rows = indexed.tobytes()
    stored = b"".join(rows[y * WIDTH : (y + 1) * WIDTH] for y in order)
    place = b"," + struct.pack("<HHHHB", 0, 0, *SIZE, 0x40)
    return Specimen(gif_file(place, lzw(stored), common=indexed), "gif", indexed.convert("RGB"))


def _animated(loop: int | None) -> Specimen:
    indexed = with_palette(gradient(16))
    other = with_palette(gradient(16).transpose(Image.Transpose.ROTATE_180))
    blocks = (control_block(10, 0), frame_block(indexed), control_block(0, 0), frame_block(other, own_palette=True))
    data = gif_file(*blocks, common=indexed, loop=loop)
    plays = 1 if loop is None else loop and loop + 1
    return Specimen(data, "gif", indexed.convert("RGB"), milliseconds=(100, 0), loop=plays)


def expected_disposal_frames() -> list[Image.Image]:
    """The frames of `_disposed`."""
    base = with_palette(gradient(16)).convert("RGBA")
    red = Image.new("RGBA", _PATCH, (255, 0, 0, 255))
    cleared = base.copy()
    cleared.paste((0, 0, 0, 0), (5, 5, 25, 15))
    first, second, third = base.copy(), cleared.copy(), cleared.copy()
    first.paste(red, (5, 5))
    second.paste(red, (30, 20))
    third.paste(red, (40, 30))
    fourth = third.copy()
    fourth.paste(red, (0, 38))
    return [base, first, second, third, fourth]


def _disposed() -> Specimen:
    """A patch that is cleared, one that is restored to previous, and two without a disposal, which stay."""
    base = with_palette(gradient(16))
    patch = Image.new("P", _PATCH, 0)
    patch.putpalette([255, 0, 0])
    patches = (((5, 5), _CLEAR), ((30, 20), _PREVIOUS), ((40, 30), 0), ((0, 38), 0))
    blocks = [control_block(7, _KEEP), frame_block(base)]
    for at, disposal in patches:
        blocks += [control_block(7, disposal, _TRANSPARENT_INDEX), frame_block(patch, at, own_palette=True)]
    return Specimen(gif_file(*blocks, common=base, loop=0), "gif", base.convert("RGB"), milliseconds=(70,) * 5, loop=0)


GIFS: dict[str, Callable[[], Specimen]] = {
    "gif": _still,
    "gif with a comment": partial(_still, alone=False),
    "gif with transparency": partial(_still, clear=True),
    "gif with a frame smaller than its canvas": _partial,
    "gif interlaced": _interlaced,
    "gif animated once": partial(_animated, None),
    "gif animated for ever": partial(_animated, 0),
    "gif animated three times": partial(_animated, 2),
    "gif animated with partial frames": _disposed,
}
