"""TIFFs and BMPs as scanners, Photoshop and old versions of Windows write them."""

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.zoo.jpegs import cmyk_gradient
from tests.zoo.profiles import cmyk_profile, cmyk_to_srgb
from tests.zoo.specimen import (
    HEIGHT,
    SIZE,
    WIDTH,
    Specimen,
    gradient,
    grey_gradient,
    saved,
    stored_with_orientation,
    with_alpha,
)

_ORIENTATION = 274
INFO_BYTES = 40


def _tiff(compression: str, picture: Image.Image | None = None, tolerance: float = 0, **save: Any) -> Specimen:
    picture = picture or gradient()
    shown = picture.convert("RGBA" if picture.mode in {"LA", "RGBA"} else "RGB")
    return Specimen(saved(picture, "TIFF", compression=compression, **save), "tiff", shown, tolerance)


def _grey_of(values: np.ndarray) -> Specimen:
    return Specimen(saved(Image.fromarray(values), "TIFF"), "tiff", grey_gradient().convert("RGB"), 0.5)


def _deep_grey(dtype: str) -> Specimen:
    return _grey_of(np.asarray(grey_gradient()).astype(dtype) * 257)


def _float_grey() -> Specimen:
    return _grey_of((np.asarray(grey_gradient()) / 255).astype(np.float32))


def _with_orientation(compression: str, orientation: int) -> Specimen:
    stored = stored_with_orientation(gradient(), orientation)
    return Specimen(
        saved(stored, "TIFF", compression=compression, tiffinfo={_ORIENTATION: orientation}), "tiff", gradient()
    )


def _pages() -> Specimen:
    further = Image.new("RGB", (10, 10))
    return Specimen(saved(gradient(), "TIFF", save_all=True, append_images=[further]), "tiff", gradient())


def _cmyk(*, profile: bool) -> Specimen:
    data = saved(
        cmyk_gradient(), "TIFF", compression="tiff_lzw", **({"icc_profile": cmyk_profile()} if profile else {})
    )
    return Specimen(data, "tiff", cmyk_to_srgb(cmyk_gradient()) if profile else cmyk_gradient().convert("RGB"), 1)


def _lab() -> Specimen:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = ImageCms.applyTransform(gradient(), ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    assert picture is not None
    return Specimen(saved(picture, "TIFF"), "tiff", gradient(), 3)


def _bmp(picture: Image.Image) -> Specimen:
    return Specimen(saved(picture, "BMP"), "bmp", picture.convert("RGB"))


def bitmap(
    bits: int,
    compression: int,
    pixels: bytes,
    masks: tuple[int, ...] = (),
    *,
    palette: bytes = b"",
    header: int = INFO_BYTES,
    height: int = HEIGHT,
) -> bytes:
    """A BMP file. pixels: rows from the bottom up. masks: in the header, or after it if it has no room for them."""
    fields = struct.pack("<iiHHIIiiII", WIDTH, height, 1, bits, compression, len(pixels), 0, 0, len(palette) // 4, 0)
    stored = struct.pack(f"<{len(masks)}I", *masks)
    if header > INFO_BYTES:
        fields += stored.ljust(header - INFO_BYTES, b"\0")[: header - INFO_BYTES]
        stored = b""
    start = 14 + header + len(stored) + len(palette)
    head = struct.pack("<IHHII", start + len(pixels), 0, 0, start, header)
    return b"BM" + head + fields + stored + palette + pixels


def indices(colours: int, levels: int = 16) -> tuple[Image.Image, np.ndarray, bytes]:
    """The gradient of so many `levels` as it is shown, its rows of indices from the bottom up, and its palette."""
    indexed = gradient(levels).quantize(colours, dither=Image.Dither.NONE)
    entries = np.array(indexed.getpalette(), dtype=np.uint8).reshape(-1, 3)[:colours]
    palette = np.dstack([entries[:, 2], entries[:, 1], entries[:, 0], np.zeros(len(entries), np.uint8)]).tobytes()
    return indexed.convert("RGB"), np.asarray(indexed)[::-1], palette


def _four_bits() -> Specimen:
    shown, rows, palette = indices(16)
    return Specimen(bitmap(4, 0, ((rows[:, ::2] << 4) | rows[:, 1::2]).tobytes(), palette=palette), "bmp", shown)


def _run_lengths(bits: int) -> Specimen:
    """Alternately encoded runs and literal rows."""
    shown, rows, palette = indices(16)
    out = b""
    for y, row in enumerate(rows):
        if y % 2:
            stored = row if bits == 8 else (row[::2] << 4) | row[1::2]
            out += bytes((0, WIDTH)) + stored.tobytes()
        else:
            repeated = [value if bits == 8 else value << 4 | value for value in row.tolist()]
            ends = [x for x in range(1, WIDTH + 1) if x == WIDTH or repeated[x] != repeated[x - 1]]
            starts = [0, *ends[:-1]]
            out += b"".join(bytes((end - at, repeated[at])) for at, end in zip(starts, ends, strict=True))
        out += b"\0\0"
    return Specimen(bitmap(bits, 1 if bits == 8 else 2, out + b"\0\1", palette=palette), "bmp", shown)


def _run_lengths_with_gaps() -> Specimen:
    """No pixels in the lowest rows, and in the left half of those above them: browsers leave them transparent."""
    shown, rows, palette = indices(16)
    pixels = np.asarray(shown.convert("RGBA")).copy()[::-1]
    first_colour = (*palette[2::-1], 0)
    out, half = b"", WIDTH // 2
    for y, row in enumerate(rows):
        if y < HEIGHT // 4:
            pixels[y] = first_colour
        elif y < HEIGHT // 2:
            pixels[y, :half] = first_colour
            out += bytes((0, 2, half, 0, 0, half)) + row[half:].tobytes()
        else:
            out += bytes((0, WIDTH)) + row.tobytes()
        out += b"\0\0"
    shown = Image.fromarray(np.ascontiguousarray(pixels[::-1]))
    return Specimen(bitmap(8, 1, out + b"\0\1", palette=palette), "bmp", shown)


def runs_out_of_the_picture() -> bytes:
    _, rows, palette = indices(16)
    longer = b"".join(bytes((0, WIDTH + 2)) + row.tobytes() + b"\0\0\0\0" for row in rows)
    return bitmap(8, 1, longer + b"\0\1", palette=palette)


def _sixteen_bits() -> Specimen:
    pixels = np.asarray(gradient())[::-1].astype(np.uint16) >> 3
    packed = pixels[:, :, 0] << 10 | pixels[:, :, 1] << 5 | pixels[:, :, 2]
    return Specimen(bitmap(16, 0, packed.astype("<u2").tobytes()), "bmp", gradient(), 8)


def _thirty_two_bits() -> Specimen:
    pixels = np.asarray(gradient())[::-1]
    with_nothing = np.dstack([pixels[:, :, 2], pixels[:, :, 1], pixels[:, :, 0], np.zeros(SIZE[::-1], np.uint8)])
    return Specimen(bitmap(32, 0, with_nothing.tobytes()), "bmp", gradient())


TIFFS_AND_BMPS: dict[str, Callable[[], Specimen]] = {
    "tiff": lambda: _tiff("raw"),
    "tiff lzw": lambda: _tiff("tiff_lzw"),
    "tiff deflate": lambda: _tiff("tiff_adobe_deflate"),
    "tiff packbits": lambda: _tiff("packbits"),
    "tiff jpeg": lambda: _tiff("jpeg", tolerance=4, quality=90),
    "tiff grey": lambda: _tiff("tiff_lzw", grey_gradient()),
    "tiff fax": lambda: _tiff("group4", gradient(2).convert("1")),
    "tiff palette": lambda: _tiff("tiff_lzw", gradient(16).quantize(16)),
    "tiff with alpha": lambda: _tiff("tiff_lzw", with_alpha(gradient())),
    "tiff 16 bit": partial(_deep_grey, "<u2"),
    "tiff 32 bit": partial(_deep_grey, "<i4"),
    "tiff floats": _float_grey,
    "tiff CMYK": partial(_cmyk, profile=False),
    "tiff CMYK with a profile": partial(_cmyk, profile=True),
    "tiff Lab": _lab,
    "tiff with two pages": _pages,
    **{
        f"tiff orientation {orientation}": partial(_with_orientation, "raw", orientation) for orientation in range(2, 9)
    },
    "tiff lzw orientation 6": partial(_with_orientation, "tiff_lzw", 6),
    "bmp": lambda: _bmp(gradient()),
    "bmp grey": lambda: _bmp(grey_gradient()),
    "bmp 1 bit": lambda: _bmp(gradient(2).convert("1")),
    "bmp 8 bit": lambda: _bmp(gradient(16).quantize(64)),
    "bmp 4 bit": _four_bits,
    "bmp 16 bit": _sixteen_bits,
    "bmp 32 bit": _thirty_two_bits,
    "bmp run-length encoded": partial(_run_lengths, 8),
    "bmp run-length encoded with gaps": _run_lengths_with_gaps,
    "bmp 4 bit run-length encoded": partial(_run_lengths, 4),
}
