"""PNGs of every kind, written chunk by chunk, because Pillow writes only a few kinds."""

import struct
import zlib
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from tests.zoo.specimen import (
    HEIGHT,
    SIZE,
    WIDTH,
    Specimen,
    alpha,
    exif,
    frames,
    gradient,
    grey_gradient,
    saved,
    stored_with_orientation,
    with_alpha,
)

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, TRUECOLOUR, INDEXED, GREY_ALPHA, TRUECOLOUR_ALPHA = 0, 2, 3, 4, 6
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_ROUNDED = 1.0

Samples = np.ndarray
Chunks = tuple[tuple[bytes, bytes], ...]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(
    width: int, height: int, depth: int = 8, colour_type: int = TRUECOLOUR, *, interlaced: bool = False
) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, interlaced))


def png(samples: Samples, depth: int, colour_type: int, before: Chunks = (), *, interlaced: bool = False) -> bytes:
    """A PNG file. samples: rows of pixels of samples; rows are not filtered."""
    height, width = samples.shape[:2]
    head = header(width, height, depth, colour_type, interlaced=interlaced)
    parts = [samples[y::down, x::across] for x, y, across, down in _PASSES] if interlaced else [samples]
    pixels = zlib.compress(b"".join(_rows(part, depth) for part in parts))
    extra = b"".join(chunk(*each) for each in before)
    return SIGNATURE + head + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def compressed_rows(samples: Samples, depth: int = 8) -> bytes:
    return zlib.compress(_rows(samples, depth))


def _rows(samples: Samples, depth: int) -> bytes:
    flat = samples.reshape(samples.shape[0], -1)
    if depth == 16:
        return b"".join(b"\0" + row.astype(">u2").tobytes() for row in flat)
    bits = np.unpackbits(flat.astype(np.uint8)[:, :, None], axis=2)[:, :, 8 - depth :]
    return b"".join(b"\0" + np.packbits(row.reshape(-1)).tobytes() for row in bits)


def _grey(depth: int, *, interlaced: bool = False) -> Specimen:
    levels = 1 << min(depth, 8)
    shown = grey_gradient(levels)
    samples = np.asarray(shown).astype(int) * ((1 << depth) - 1) // 255
    data = png(samples, depth, GREY, interlaced=interlaced)
    return Specimen(data, "png", shown.convert("RGB"))


def _grey_keyed(depth: int, level: float, *, interlaced: bool = False) -> Specimen:
    """One level is transparent; with 16 bits it differs from its neighbours only in the lower byte.

    level: from 0 for black to 1 for white.
    """
    most = (1 << depth) - 1
    grey = grey_gradient(1 << min(depth, 8))
    samples = np.asarray(grey).astype(int) * most // 255
    key = round(level * most)
    if depth == 16:
        key += 1 if level < 1 else -1
    samples[:8, :8] = key
    shown = with_alpha(Image.fromarray((samples * 255 // most).astype(np.uint8)), _alpha_where(samples == key))
    chunks = ((b"tRNS", struct.pack(">H", key)),)
    return Specimen(png(samples, depth, GREY, chunks, interlaced=interlaced), "png", shown)


def _grey_keyed_out_of_range(depth: int) -> Specimen:
    """The transparent level has more bits than a sample. At a depth of 8 browsers ignore the excess bits."""
    grey = grey_gradient(1 << depth)
    samples = np.asarray(grey).astype(int) * ((1 << depth) - 1) // 255
    samples[:8, :8] = 0
    shown = Image.fromarray((samples * 255 // ((1 << depth) - 1)).astype(np.uint8)).convert("RGB")
    if depth == 8:
        shown = with_alpha(shown, _alpha_where(samples == 0))
    return Specimen(png(samples, depth, GREY, ((b"tRNS", struct.pack(">H", 1 << depth)),)), "png", shown)


def _alpha_where(where: np.ndarray) -> Image.Image:
    return Image.fromarray(np.where(where, 0, 255).astype(np.uint8))


def _colour(depth: int, *, interlaced: bool = False) -> Specimen:
    samples = np.asarray(gradient()).astype(int) * ((1 << depth) - 1) // 255
    data = png(samples, depth, TRUECOLOUR, interlaced=interlaced)
    return Specimen(data, "png", gradient())


def _colour_keyed(depth: int) -> Specimen:
    samples = np.asarray(gradient(16)).astype(int)
    key = samples[0, 0]
    shown = with_alpha(gradient(16), _alpha_where((samples == key).all(axis=2)))
    scale = ((1 << depth) - 1) // 255
    chunks = ((b"tRNS", struct.pack(">HHH", *(key * scale))),)
    return Specimen(png(samples * scale, depth, TRUECOLOUR, chunks), "png", shown)


def _colour_keyed_in_lower_bytes() -> Specimen:
    """Every pixel has the upper bytes of the transparent colour; only some have its lower bytes."""
    samples = np.full((HEIGHT, WIDTH, 3), 0x4080)
    samples[:8, :8] = (0x4080, 0x4080, 0x4081)
    chunks = ((b"tRNS", struct.pack(">HHH", 0x4080, 0x4080, 0x4081)),)
    shown = with_alpha(Image.new("RGB", SIZE, (0x40, 0x40, 0x40)), _alpha_where(samples[:, :, 2] == 0x4081))
    return Specimen(png(samples, 16, TRUECOLOUR, chunks), "png", shown)


def _alpha(depth: int, colour_type: int) -> Specimen:
    base = gradient() if colour_type == TRUECOLOUR_ALPHA else grey_gradient()
    pixels = np.dstack([np.asarray(base), np.asarray(alpha())]).astype(int)
    return Specimen(png(pixels * ((1 << depth) - 1) // 255, depth, colour_type), "png", with_alpha(base))


def _indexed(depth: int, *, clear: bool = False, interlaced: bool = False) -> Specimen:
    colours = min(1 << depth, 16)
    palette_image = gradient(colours if colours in {2, 4, 16} else 16).quantize(colours, dither=Image.Dither.NONE)
    shown = palette_image.convert("RGB")
    indices = np.asarray(palette_image)
    chunks: list[tuple[bytes, bytes]] = [(b"PLTE", bytes(palette_image.getpalette() or ())[: 3 * colours])]
    if clear:
        opacity = bytes((0, 128))
        chunks.append((b"tRNS", opacity))
        shown = with_alpha(shown, Image.fromarray(np.array([*opacity, *[255] * 254], dtype=np.uint8)[indices]))
    return Specimen(png(indices, depth, INDEXED, tuple(chunks), interlaced=interlaced), "png", shown)


def _opaque_alpha() -> Specimen:
    return Specimen(saved(with_alpha(gradient(), Image.new("L", SIZE, 255)), "PNG"), "png", gradient())


def _gamma() -> Specimen:
    """Linear light, as renderers write it."""
    linear = gradient().point(lambda value: round(255 * (value / 255) ** 2.2))
    data = png(np.asarray(linear), 8, TRUECOLOUR, ((b"gAMA", struct.pack(">I", 100_000)),))
    return Specimen(data, "png", gradient(), 3, profiled=True)


def _srgb_gamma() -> Specimen:
    chunks = ((b"sRGB", b"\0"), (b"gAMA", struct.pack(">I", 45_455)))
    return Specimen(png(np.asarray(gradient()), 8, TRUECOLOUR, chunks), "png", gradient())


def _with_orientation(orientation: int) -> Specimen:
    data = saved(stored_with_orientation(gradient(), orientation), "PNG", exif=exif(orientation))
    return Specimen(data, "png", gradient())


def _with_orientation_after_pixels() -> Specimen:
    """Which browsers ignore."""
    data = saved(gradient(), "PNG")
    end = chunk(b"IEND", b"")
    return Specimen(data.replace(end, chunk(b"eXIf", exif(6).tobytes()[6:]) + end), "png", gradient())


_TIMES = (100, 250, 40)


def _animated(*, still_apart: bool = False) -> Specimen:
    first, *others = ([Image.new("RGB", SIZE)] if still_apart else []) + frames()
    data = saved(
        first, "PNG", save_all=True, append_images=others, duration=list(_TIMES), loop=2, default_image=still_apart
    )
    return Specimen(data, "png", frames()[0], milliseconds=_TIMES, loop=2)


def animation_chunk(frames: int) -> bytes:
    return chunk(b"acTL", struct.pack(">II", frames, 0))


def control(number: int, box: tuple[int, int, int, int], milliseconds: int, disposal: int, blend: int) -> bytes:
    x, y, width, height = box
    places = struct.pack(">IIIII", number, width, height, x, y)
    return chunk(b"fcTL", places + struct.pack(">HHBB", milliseconds, 1000, disposal, blend))


def expected_apng_frames() -> list[Image.Image]:
    """The frames of `_patched`: a patch that is cleared, one that is restored to previous, one that stays."""
    base = gradient(16).convert("RGBA")
    patch = Image.new("RGBA", (20, 10), (255, 0, 0, 255))
    shown = [base.copy()]
    first, second, third = base.copy(), base.copy(), base.copy()
    first.paste(patch, (5, 5))
    for later in (second, third):
        later.paste((0, 0, 0, 0), (5, 5, 25, 15))
    second.paste(patch, (30, 20))
    third.paste(patch, (40, 30))
    return [*shown, first, second, third]


def _animated_with_a_key() -> Specimen:
    """Grey of 2 bits whose white is transparent."""
    samples = np.asarray(grey_gradient(4)).astype(int) // 85
    white = Image.fromarray(((samples == 3) * 255).astype(np.uint8))
    shown = with_alpha(grey_gradient(4), white.point(lambda value: 255 - value))
    data = SIGNATURE + header(*SIZE, 2, GREY) + animation_chunk(2) + chunk(b"tRNS", struct.pack(">H", 3))
    data += control(0, (0, 0, WIDTH, HEIGHT), 70, 0, 0) + chunk(b"IDAT", compressed_rows(samples, 2))
    turned = compressed_rows(samples[::-1], 2)
    data += control(1, (0, 0, WIDTH, HEIGHT), 70, 0, 0) + chunk(b"fdAT", struct.pack(">I", 2) + turned)
    return Specimen(data + chunk(b"IEND", b""), "png", shown, milliseconds=(70, 70), loop=0)


def _patched() -> Specimen:
    """Stored pixels are all opaque RGB, but a disposal makes part of a frame transparent."""
    patch = zlib.compress((b"\0" + bytes((255, 0, 0)) * 20) * 10)
    base = compressed_rows(np.asarray(gradient(16)))
    data = SIGNATURE + header(*SIZE) + animation_chunk(4)
    data += control(0, (0, 0, WIDTH, HEIGHT), 70, 0, 0) + chunk(b"IDAT", base)
    for index, (x, y, disposal) in enumerate(((5, 5, 1), (30, 20, 2), (40, 30, 0))):
        number = 1 + 2 * index
        data += control(number, (x, y, 20, 10), 70, disposal, index % 2)
        data += chunk(b"fdAT", struct.pack(">I", number + 1) + patch)
    return Specimen(data + chunk(b"IEND", b""), "png", gradient(16), milliseconds=(70, 70, 70, 70), loop=0)


PNGS: dict[str, Callable[[], Specimen]] = {
    **{f"png grey {depth} bit": partial(_grey, depth) for depth in (1, 2, 4, 8, 16)},
    **{f"png grey {depth} bit interlaced": partial(_grey, depth, interlaced=True) for depth in (1, 16)},
    **{
        f"png grey {depth} bit with transparent {name}": partial(_grey_keyed, depth, level)
        for depth in (1, 2, 4, 8, 16)
        for name, level in (("black", 0), ("grey", 1 / 3), ("white", 1))
        if depth > 1 or name != "grey"
    },
    "png grey 2 bit interlaced with transparent white": partial(_grey_keyed, 2, 1, interlaced=True),
    **{
        f"png grey {depth} bit with an impossible transparent level": partial(_grey_keyed_out_of_range, depth)
        for depth in (1, 2, 4, 8)
    },
    **{f"png colour {depth} bit": partial(_colour, depth) for depth in (8, 16)},
    "png colour interlaced": partial(_colour, 8, interlaced=True),
    **{f"png colour {depth} bit with a transparent colour": partial(_colour_keyed, depth) for depth in (8, 16)},
    "png colour 16 bit with a transparent colour that differs in lower bytes": _colour_keyed_in_lower_bytes,
    **{f"png colour and alpha {depth} bit": partial(_alpha, depth, TRUECOLOUR_ALPHA) for depth in (8, 16)},
    **{f"png grey and alpha {depth} bit": partial(_alpha, depth, GREY_ALPHA) for depth in (8, 16)},
    **{f"png palette {depth} bit": partial(_indexed, depth) for depth in (1, 2, 4, 8)},
    **{f"png palette {depth} bit with alpha": partial(_indexed, depth, clear=True) for depth in (1, 2, 4, 8)},
    "png palette interlaced": partial(_indexed, 4, interlaced=True),
    "png with opaque alpha": _opaque_alpha,
    "png gamma": _gamma,
    "png with sRGB's gamma": _srgb_gamma,
    **{f"png orientation {orientation}": partial(_with_orientation, orientation) for orientation in (3, 6, 7)},
    "png orientation behind the pixels": _with_orientation_after_pixels,
    "png animated": _animated,
    "png animated with a separate still picture": partial(_animated, still_apart=True),
    "png animated with partial frames": _patched,
    "png animated with a transparent level of 2 bits": _animated_with_a_key,
}
