"""BMPs with bit masks, alpha and rare headers, as browsers show them, and kinds that no browser shows."""

import struct
from collections.abc import Callable
from functools import partial

import numpy as np
from PIL import Image

from tests.zoo.specimen import HEIGHT, WIDTH, Specimen, alpha, gradient, with_alpha
from tests.zoo.tiffs_and_bmps import INFO_BYTES, bitmap, indices

_V2, _V3, _V4, _V5 = 52, 56, 108, 124
_RGB, _BIT_FIELDS, _ALPHA_BIT_FIELDS = 0, 3, 6
_ARGB, _RGB_MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000), (0xFF0000, 0xFF00, 0xFF)

Masks = tuple[int, ...]


def _shift_and_most(mask: int) -> tuple[int, int]:
    shift = (mask & -mask).bit_length() - 1
    return shift, mask >> shift


def _packed(samples: np.ndarray, masks: Masks, bits: int) -> bytes:
    """Pixels from the bottom row up. samples: 0 to 255."""
    pixels = np.zeros(samples.shape[:2], np.uint32)
    for index, mask in enumerate(masks):
        shift, most = _shift_and_most(mask)
        pixels |= ((samples[:, :, index].astype(np.uint32) * most + 127) // 255) << shift
    return pixels[::-1].astype(f"<u{bits // 8}").tobytes()


def _rounded(samples: np.ndarray, masks: Masks) -> Image.Image:
    """The samples with no more precision than the masks have."""
    levels = np.array([min(_shift_and_most(mask)[1], 255) for mask in masks])
    return Image.fromarray(((samples * levels + 127) // 255 * 255 // levels).astype(np.uint8))


def _masked(masks: Masks, bits: int = 32, *, compression: int = _BIT_FIELDS, header: int = INFO_BYTES) -> Specimen:
    picture = with_alpha(gradient()) if len(masks) == 4 else gradient()
    samples = np.asarray(picture).astype(int)
    data = bitmap(bits, compression, _packed(samples, masks, bits), masks, header=header)
    return Specimen(data, "bmp", _rounded(samples, masks), 0 if bits == 32 else 1)


def _top_down_with_alpha() -> Specimen:
    picture = with_alpha(gradient())
    pixels = _packed(np.asarray(picture)[::-1].astype(int), _ARGB, 32)
    return Specimen(bitmap(32, _BIT_FIELDS, pixels, _ARGB, header=_V5, height=-HEIGHT), "bmp", picture)


def _alpha_of_zero_everywhere() -> Specimen:
    pixels = _packed(np.asarray(gradient()).astype(int), _RGB_MASKS, 32)
    return Specimen(bitmap(32, _BIT_FIELDS, pixels, _ARGB, header=_V4), "bmp", gradient())


def _alpha_without_a_mask() -> Specimen:
    pixels = _packed(np.asarray(with_alpha(gradient())).astype(int), _ARGB, 32)
    return Specimen(bitmap(32, _RGB, pixels), "bmp", gradient())


def _clear_or_opaque() -> Specimen:
    """One bit of alpha."""
    masks = (0x7C00, 0x3E0, 0x1F, 0x8000)
    picture = with_alpha(gradient(), alpha().point(lambda value: 255 * (value > 127)))
    samples = np.asarray(picture).astype(int)
    data = bitmap(16, _BIT_FIELDS, _packed(samples, masks, 16), masks, header=_V4)
    return Specimen(data, "bmp", _rounded(samples, masks), 1)


def _two_bits() -> Specimen:
    shown, rows, palette = indices(4, 4)
    packed = rows[:, ::4] << 6 | rows[:, 1::4] << 4 | rows[:, 2::4] << 2 | rows[:, 3::4]
    data = bytearray(bitmap(2, _RGB, packed.tobytes(), palette=palette))
    data[46:50] = bytes(4)  # 0 colours: as many as the bits allow
    return Specimen(bytes(data), "bmp", shown)


def _with_header_of(length: int) -> Specimen:
    """OS/2 allows headers of 16 to 64 bytes; what a short one lacks is 0."""
    pixels = np.asarray(gradient())[::-1, :, ::-1].tobytes()
    data = bitmap(24, _RGB, pixels, header=max(length, INFO_BYTES))
    if length < INFO_BYTES:
        start = 14 + length
        data = data[:10] + struct.pack("<II", start, length) + data[18:start] + pixels
    return Specimen(data, "bmp", gradient())


def _too_many_colours() -> Specimen:
    """The header declares 300 colours for 8 bits."""
    shown, rows, palette = indices(16)
    return Specimen(bitmap(8, _RGB, rows.tobytes(), palette=palette.ljust(4 * 300, b"\0")), "bmp", shown)


ODD_BMPS: dict[str, Callable[[], Specimen]] = {
    "bmp with alpha": partial(_masked, _ARGB, header=_V5),
    "bmp with alpha in a header of 56 bytes": partial(_masked, _ARGB, header=_V3),
    "bmp with alpha by masks after the header": partial(_masked, _ARGB, compression=_ALPHA_BIT_FIELDS),
    "bmp with alpha by a mask of plain RGB": partial(_masked, _ARGB, compression=_RGB, header=_V4),
    "bmp with alpha, from the top down": _top_down_with_alpha,
    "bmp with alpha of 4 bits": partial(_masked, (0xF00, 0xF0, 0xF, 0xF000), 16, header=_V4),
    "bmp with alpha of 1 bit": _clear_or_opaque,
    "bmp with alpha of zero everywhere": _alpha_of_zero_everywhere,
    "bmp with alpha without a mask": _alpha_without_a_mask,
    "bmp RGBA": partial(_masked, (0xFF000000, 0xFF0000, 0xFF00, 0xFF), header=_V4),
    "bmp XBGR": partial(_masked, (0xFF, 0xFF00, 0xFF0000)),
    "bmp 10 bit": partial(_masked, (0x3FF00000, 0xFFC00, 0x3FF)),
    "bmp 565": partial(_masked, (0xF800, 0x7E0, 0x1F), 16),
    "bmp 565 in a header of 52 bytes": partial(_masked, (0xF800, 0x7E0, 0x1F), 16, header=_V2),
    "bmp 444": partial(_masked, (0xF00, 0xF0, 0xF), 16),
    "bmp 2 bit": _two_bits,
    "bmp with 300 colours": _too_many_colours,
    **{f"bmp with a header of {length} bytes": partial(_with_header_of, length) for length in (16, 42, 48, 64)},
}

UNSUPPORTED_BMPS: dict[str, tuple[bytes, str]] = {
    "bmp with a JPEG": (bitmap(0, 4, bytes(100)), "a BMP image that contains a JPEG"),
    "bmp with a PNG": (bitmap(0, 5, bytes(100), header=_V5), "a BMP image that contains a PNG"),
    "bmp with Huffman codes": (bitmap(1, 3, bytes(100), header=64), "a BMP image with Huffman codes"),
    "bmp with runs of 24 bits": (bitmap(24, 4, bytes(100), header=64), "a BMP image with runs of 24 bits"),
    "bmp 64 bit": (bitmap(64, 0, bytes(8 * WIDTH * HEIGHT)), "a BMP image of 64 bits per pixel"),
}


def overlapping_masks() -> bytes:
    return bitmap(32, _BIT_FIELDS, bytes(4 * WIDTH * HEIGHT), (0xFF0000, 0xFF0000, 0xFF))


def masks_with_gaps() -> bytes:
    return bitmap(32, _BIT_FIELDS, bytes(4 * WIDTH * HEIGHT), (0xF0F00000, 0xFF00, 0xFF))


def masked_and_truncated() -> bytes:
    return _masked(_ARGB, header=_V5).data[:-1]


def empty_with_masks() -> bytes:
    return bitmap(32, _BIT_FIELDS, bytes(100), _ARGB, header=_V5, height=0)
