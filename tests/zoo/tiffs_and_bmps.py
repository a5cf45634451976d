"""TIFFs and BMPs: what scanners, Photoshop and old Windows write."""

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from tests.zoo.jpegs import inks
from tests.zoo.profiles import inks_profile, shown_by_inks
from tests.zoo.specimen import HEIGHT, SIZE, WIDTH, Specimen, drawn, drawn_grey, saved, turned_away, with_alpha

_ORIENTATION = 274


def _tiff(compression: str, picture: Image.Image | None = None, tolerance: float = 0, **save: Any) -> Specimen:
    picture = picture or drawn()
    shown = picture.convert("RGBA" if picture.mode in {"LA", "RGBA"} else "RGB")
    return Specimen(saved(picture, "TIFF", compression=compression, **save), "tiff", shown, tolerance)


def _grey_of(values: np.ndarray) -> Specimen:
    return Specimen(saved(Image.fromarray(values), "TIFF"), "tiff", drawn_grey().convert("RGB"), 0.5)


def _wide_grey(dtype: str) -> Specimen:
    return _grey_of(np.asarray(drawn_grey()).astype(dtype) * 257)


def _floats() -> Specimen:
    return _grey_of((np.asarray(drawn_grey()) / 255).astype(np.float32))


def _turned(compression: str, orientation: int) -> Specimen:
    stored = turned_away(drawn(), orientation)
    return Specimen(
        saved(stored, "TIFF", compression=compression, tiffinfo={_ORIENTATION: orientation}), "tiff", drawn()
    )


def _pages() -> Specimen:
    further = Image.new("RGB", (10, 10))
    return Specimen(saved(drawn(), "TIFF", save_all=True, append_images=[further]), "tiff", drawn())


def _inks(*, profile: bool) -> Specimen:
    data = saved(inks(), "TIFF", compression="tiff_lzw", **({"icc_profile": inks_profile()} if profile else {}))
    return Specimen(data, "tiff", shown_by_inks(inks()) if profile else inks().convert("RGB"), 1)


def _lab() -> Specimen:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = ImageCms.applyTransform(drawn(), ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    assert picture is not None
    return Specimen(saved(picture, "TIFF"), "tiff", drawn(), 3)


def _bmp(picture: Image.Image) -> Specimen:
    return Specimen(saved(picture, "BMP"), "bmp", picture.convert("RGB"))


def _bitmap(bits: int, compression: int, palette: bytes, pixels: bytes) -> bytes:
    """Rows from the bottom up."""
    head = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, bits, compression, len(pixels), 0, 0, len(palette) // 4, 0)
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + head + palette + pixels


def _indices(colours: int) -> tuple[Image.Image, np.ndarray, bytes]:
    indexed = drawn(16).quantize(colours, dither=Image.Dither.NONE)
    entries = np.array(indexed.getpalette(), dtype=np.uint8).reshape(-1, 3)[:colours]
    palette = np.dstack([entries[:, 2], entries[:, 1], entries[:, 0], np.zeros(len(entries), np.uint8)]).tobytes()
    return indexed.convert("RGB"), np.asarray(indexed)[::-1], palette


def _four_bits() -> Specimen:
    shown, rows, palette = _indices(16)
    return Specimen(_bitmap(4, 0, palette, ((rows[:, ::2] << 4) | rows[:, 1::2]).tobytes()), "bmp", shown)


def _run_lengths(bits: int) -> Specimen:
    """Runs, and rows that stand as they are."""
    shown, rows, palette = _indices(16)
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
    return Specimen(_bitmap(bits, 1 if bits == 8 else 2, palette, out + b"\0\1"), "bmp", shown)


def _sixteen_bits() -> Specimen:
    pixels = np.asarray(drawn())[::-1].astype(np.uint16) >> 3
    packed = pixels[:, :, 0] << 10 | pixels[:, :, 1] << 5 | pixels[:, :, 2]
    return Specimen(_bitmap(16, 0, b"", packed.astype("<u2").tobytes()), "bmp", drawn(), 8)


def _thirty_two_bits() -> Specimen:
    pixels = np.asarray(drawn())[::-1]
    with_nothing = np.dstack([pixels[:, :, 2], pixels[:, :, 1], pixels[:, :, 0], np.zeros(SIZE[::-1], np.uint8)])
    return Specimen(_bitmap(32, 0, b"", with_nothing.tobytes()), "bmp", drawn())


TIFFS_AND_BMPS: dict[str, Callable[[], Specimen]] = {
    "tiff": lambda: _tiff("raw"),
    "tiff lzw": lambda: _tiff("tiff_lzw"),
    "tiff deflate": lambda: _tiff("tiff_adobe_deflate"),
    "tiff packbits": lambda: _tiff("packbits"),
    "tiff jpeg": lambda: _tiff("jpeg", tolerance=4, quality=90),
    "tiff grey": lambda: _tiff("tiff_lzw", drawn_grey()),
    "tiff fax": lambda: _tiff("group4", drawn(2).convert("1")),
    "tiff palette": lambda: _tiff("tiff_lzw", drawn(16).quantize(16)),
    "tiff with alpha": lambda: _tiff("tiff_lzw", with_alpha(drawn())),
    "tiff 16 bit": partial(_wide_grey, "<u2"),
    "tiff 16 bit big end first": partial(_wide_grey, ">u2"),
    "tiff 32 bit": partial(_wide_grey, "<i4"),
    "tiff floats": _floats,
    "tiff CMYK": partial(_inks, profile=False),
    "tiff CMYK with a profile": partial(_inks, profile=True),
    "tiff Lab": _lab,
    "tiff of two pages": _pages,
    **{f"tiff orientation {orientation}": partial(_turned, "raw", orientation) for orientation in range(2, 9)},
    "tiff lzw orientation 6": partial(_turned, "tiff_lzw", 6),
    "bmp": lambda: _bmp(drawn()),
    "bmp grey": lambda: _bmp(drawn_grey()),
    "bmp 1 bit": lambda: _bmp(drawn(2).convert("1")),
    "bmp 8 bit": lambda: _bmp(drawn(16).quantize(64)),
    "bmp 4 bit": _four_bits,
    "bmp 16 bit": _sixteen_bits,
    "bmp 32 bit": _thirty_two_bits,
    "bmp run lengths": partial(_run_lengths, 8),
    "bmp run lengths of 4 bit": partial(_run_lengths, 4),
}
