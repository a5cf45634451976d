"""Pictures of high dynamic range, made by code."""

import struct

import numpy as np
from PIL import Image

from services.compressor.decoders import Hdr
from services.compressor.encoders.avif_hdr import with_hdr
from tests.support.compressing import WIDE_PROFILE, encoded
from tests.zoo.pngs import GREY, TRUECOLOUR, TRUECOLOUR_ALPHA, Chunks, png

PQ, HLG = 16, 18
BT2020, P3 = 9, 12
NITS = 10_000


def a_scene(width: int = 160, height: int = 120) -> Image.Image:
    """Codes of a PQ or HLG picture: shades of four hues up to bright highlights, with a little noise."""
    across = np.linspace(0, 1, width)[None, :, None]
    hues = np.array(((1, 1, 1), (1, 0.9, 0.75), (0.8, 1, 0.85), (0.7, 0.85, 1)))
    rows = np.repeat(hues, height // len(hues), axis=0)[:, None]
    noise = np.random.default_rng(0).integers(0, 6, (height, width, 1))
    return Image.fromarray((across * rows * 185 + noise).astype(np.uint8))


def an_hdr_png(picture: Image.Image, transfer: int = PQ, primaries: int = BT2020, light: Chunks = ()) -> bytes:
    colour_type = {"L": GREY, "RGB": TRUECOLOUR, "RGBA": TRUECOLOUR_ALPHA}[picture.mode]
    samples = np.asarray(picture).reshape(picture.height, picture.width, -1)
    return png(samples, 8, colour_type, ((b"cICP", bytes((primaries, transfer, 0, 1))), *light))


def an_hdr_avif(picture: Image.Image, transfer: int = PQ, primaries: int = BT2020, peak: int | None = None) -> bytes:
    avif = encoded(picture, "AVIF", quality=100, subsampling="4:4:4", speed=9)
    return with_hdr(avif, Hdr(primaries, transfer, peak))


def an_hdr_profile(transfer: int = PQ, primaries: int = BT2020) -> bytes:
    """An RGB profile with the tag cicp."""
    (count,) = struct.unpack_from(">I", WIDE_PROFILE, 128)
    table_end = 132 + 12 * count
    entries = bytearray(WIDE_PROFILE[132:table_end])
    for at in range(4, len(entries), 12):
        struct.pack_into(">I", entries, at, struct.unpack_from(">I", entries, at)[0] + 12)
    content = WIDE_PROFILE[table_end:] + b"cicp\0\0\0\0" + bytes((primaries, transfer, 0, 1))
    entry = b"cicp" + struct.pack(">II", len(WIDE_PROFILE) + 12, 12)
    size = struct.pack(">I", len(WIDE_PROFILE) + 24)
    return size + WIDE_PROFILE[4:128] + struct.pack(">I", count + 1) + entries + entry + content
