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


def _control(hundredths: int, disposal: int, transparent: int | None = None) -> bytes:
    flags = disposal << 2 | (transparent is not None)
    return b"!\xf9\x04" + struct.pack("<BHB", flags, hundredths, transparent or 0) + b"\0"


def _image(picture: Image.Image, at: tuple[int, int] = (0, 0), *, own_palette: bool = False) -> bytes:
    place = b"," + struct.pack("<HHHH", *at, *picture.size)
    palette = _palette(picture) if own_palette else b""
    return place + (b"\x87" if own_palette else b"\0") + palette + lzw(picture.tobytes())


def _palette(picture: Image.Image) -> bytes:
    return bytes(picture.getpalette() or ()).ljust(768, b"\0")[:768]


def _file(*blocks: bytes, common: Image.Image, loop: int | None = None) -> bytes:
    again = b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<H", loop) + b"\0" if loop is not None else b""
    return b"GIF89a" + struct.pack("<HHBBB", *SIZE, 0xF7, 0, 0) + _palette(common) + again + b"".join(blocks) + b";"


def _indexed(picture: Image.Image) -> Image.Image:
    return picture.quantize(64, dither=Image.Dither.NONE)


def _still(*, clear: bool = False, alone: bool = True) -> Specimen:
    indexed = _indexed(gradient(16))
    shown = indexed.convert("RGB")
    if clear:
        indexed.paste(_TRANSPARENT_INDEX, (0, 0, 10, 10))
        shown.putalpha(255)
        shown.paste((0, 0, 0, 0), (0, 0, 10, 10))
    control = _control(0, 0, _TRANSPARENT_INDEX) if clear else b""
    comment = b"" if alone else b"!\xfe\x05hello\0"
    return Specimen(_file(control, comment, _image(indexed), common=indexed), "gif", shown)


def _partial() -> Specimen:
    """A frame with a margin around it, in which browsers show the page behind."""
    part = _indexed(gradient(16)).crop((0, 0, *_PATCH))
    shown = Image.new("RGBA", SIZE)
    shown.paste(part.convert("RGBA"), (7, 9))
    return Specimen(_file(_image(part, (7, 9)), common=part), "gif", shown)


def _interlaced() -> Specimen:
    indexed = _indexed(gradient(16))
    order = [*range(0, HEIGHT, 8), *range(4, HEIGHT, 8), *range(2, HEIGHT, 4), *range(1, HEIGHT, 2)]
    rows = indexed.tobytes()
    stored = b"".join(rows[y * WIDTH : (y + 1) * WIDTH] for y in order)
    place = b"," + struct.pack("<HHHHB", 0, 0, *SIZE, 0x40)
    return Specimen(_file(place, lzw(stored), common=indexed), "gif", indexed.convert("RGB"))


def _animated(loop: int | None) -> Specimen:
    indexed = _indexed(gradient(16))
    other = _indexed(gradient(16).transpose(Image.Transpose.ROTATE_180))
    blocks = (_control(10, 0), _image(indexed), _control(0, 0), _image(other, own_palette=True))
    data = _file(*blocks, common=indexed, loop=loop)
    plays = 1 if loop is None else loop and loop + 1
    return Specimen(data, "gif", indexed.convert("RGB"), milliseconds=(100, 0), loop=plays)


def expected_disposal_frames() -> list[Image.Image]:
    """The frames of `_disposed`."""
    base = _indexed(gradient(16)).convert("RGBA")
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
    base = _indexed(gradient(16))
    patch = Image.new("P", _PATCH, 0)
    patch.putpalette([255, 0, 0])
    patches = (((5, 5), _CLEAR), ((30, 20), _PREVIOUS), ((40, 30), 0), ((0, 38), 0))
    blocks = [_control(7, _KEEP), _image(base)]
    for at, disposal in patches:
        blocks += [_control(7, disposal, _TRANSPARENT_INDEX), _image(patch, at, own_palette=True)]
    return Specimen(_file(*blocks, common=base, loop=0), "gif", base.convert("RGB"), milliseconds=(70,) * 5, loop=0)


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
