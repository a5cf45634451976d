"""The colour chunks of a PNG: which one applies."""

import struct

import numpy as np
import pytest
from PIL import Image

from services.compressor.decoders import open_picture, to_srgb
from services.compressor.decoders.icc_writer import (
    P3_PRIMARIES,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    grey_profile,
    rgb_profile,
)
from services.compressor.decoders.png_colours import effective_profile
from tests.support.compressing import MAX_PIXELS, SRGB, WIDE_PROFILE, encoded
from tests.zoo.pngs import TRUECOLOUR, png

P3 = bytes((12, 13, 0, 1))
HDR = bytes((9, 16, 0, 1))
LINEAR = struct.pack(">I", 100_000)
ADOBE = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)


def test_png_colour_chunks_apply_in_the_order_of_the_specification() -> None:
    linear = rgb_profile(SRGB_PRIMARIES, (1.0,))
    wide = rgb_profile(P3_PRIMARIES, SRGB_CURVE)
    both = {b"gAMA": LINEAR}

    assert effective_profile(both, None, grey=False) == linear
    assert effective_profile(both, None, grey=True) == grey_profile((1.0,))
    assert effective_profile(both | {b"sRGB": b"\0"}, None, grey=False) is None
    assert effective_profile(both | {b"sRGB": b"\0"}, WIDE_PROFILE, grey=False) == WIDE_PROFILE
    assert effective_profile(both | {b"cICP": P3}, SRGB, grey=False) == wide
    assert effective_profile({b"cICP": b"\1\x0d\0\1"}, WIDE_PROFILE, grey=False) is None
    assert effective_profile({b"cICP": HDR}, WIDE_PROFILE, grey=False) == WIDE_PROFILE


def test_chromaticities_apply_only_together_with_gamma() -> None:
    assert effective_profile({b"cHRM": ADOBE}, None, grey=False) is None
    profile = effective_profile({b"cHRM": ADOBE, b"gAMA": struct.pack(">I", 45_455)}, None, grey=False)

    assert profile is not None
    assert to_srgb(Image.new("RGB", (1, 1), (200, 100, 100)), profile).getpixel((0, 0))[0] > 215  # type: ignore[index]


@pytest.mark.parametrize("gamma", [0, 1, 0xFFFFFFFF])
@pytest.mark.parametrize("chromaticities", [b"", b"\0" * 32, b"\xff" * 32, ADOBE[:8] + ADOBE[8:16] * 3])
def test_impossible_colour_chunks_are_ignored(gamma: int, chromaticities: bytes) -> None:
    for value in (gamma, 45_455):
        chunks = {b"gAMA": struct.pack(">I", value), b"cHRM": chromaticities}
        assert effective_profile(chunks, WIDE_PROFILE, grey=False) == WIDE_PROFILE
        if chromaticities or value == gamma:
            assert effective_profile(chunks, None, grey=False) is None


def test_a_png_keeps_the_colour_chunks_that_apply() -> None:
    original = png(np.zeros((2, 2, 3)), 8, TRUECOLOUR, ((b"gAMA", LINEAR),))

    picture = open_picture(original, MAX_PIXELS)

    assert picture.colour_chunks == ((b"gAMA", LINEAR),)
    assert picture.icc_profile == rgb_profile(SRGB_PRIMARIES, (1.0,))


def test_an_embedded_profile_takes_precedence_over_gamma() -> None:
    with_profile = encoded(Image.new("RGB", (2, 2)), "PNG", icc_profile=WIDE_PROFILE)
    gamma = png(np.zeros((2, 2, 3)), 8, TRUECOLOUR, ((b"gAMA", LINEAR),))[33:49]

    picture = open_picture(with_profile[:33] + gamma + with_profile[33:], MAX_PIXELS)

    assert (picture.icc_profile, picture.colour_chunks) == (WIDE_PROFILE, ())
