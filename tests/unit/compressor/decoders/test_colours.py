"""Pixel modes, colour profiles, CICP and PNG colour chunks."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.compressor.decoders import flatten_on_white, has_alpha, open_picture, to_basic_mode, to_srgb
from services.compressor.decoders.colour_profile import cmyk_or_lab_to_srgb, profile_to_keep
from services.compressor.decoders.icc_writer import (
    BT2020_PRIMARIES,
    P3_PRIMARIES,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    Primaries,
    grey_profile,
    rgb_profile,
)
from services.compressor.decoders.png_colours import effective_profile
from tests.support.compressing import GREY_PROFILE, MAX_PIXELS, SRGB, WIDE_PROFILE, a_picture, encoded
from tests.zoo.pngs import TRUECOLOUR, png
from tests.zoo.profiles import cmyk_profile

P3 = bytes((12, 13, 0, 1))
HDR = bytes((9, 16, 0, 1))
LINEAR = struct.pack(">I", 100_000)
ADOBE = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)


def level(value: float, mode: str) -> int:
    return int(to_basic_mode(Image.new(mode, (1, 1), value)).getpixel((0, 0)))  # type: ignore[arg-type]


@given(st.integers(0, 65535))
def test_16_bit_grey_rounds_to_the_nearest_8_bit_level(value: int) -> None:
    image = to_basic_mode(Image.fromarray(np.array([[value]], dtype=np.uint16)))

    assert image.mode == "L"
    assert image.getpixel((0, 0)) == (value + 128) // 257


@pytest.mark.parametrize(
    ("mode", "values", "expected"),
    [
        ("F", [0.0, 0.5, 1.0], [0, 128, 255]),
        ("F", [0.0, 100.0, 255.0], [0, 100, 255]),
        ("F", [-1.0, 0.0, 1.0], [0, 128, 255]),
        ("F", [float("nan"), 0.0, 1.0], [0, 0, 255]),
        ("I", [0, 100, 255], [0, 100, 255]),
        ("I", [0, 32768, 65535], [0, 128, 255]),
        ("I", [0, 1 << 19, 1 << 20], [0, 128, 255]),
        ("I", [0, 0, 0], [0, 0, 0]),
    ],
)
def test_values_decide_which_level_of_deep_grey_is_white(mode: str, values: list[float], expected: list[int]) -> None:
    image = Image.new(mode, (3, 1))
    image.putdata(values)

    assert list(to_basic_mode(image).tobytes()) == expected


@pytest.mark.parametrize("mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBX", "RGBA", "RGBa", "I", "F", "I;16"])
def test_every_mode_converts_to_a_basic_mode(mode: str) -> None:
    source = a_picture("RGBA", (16, 12)).convert("L" if mode in {"I", "F", "I;16"} else "RGBA")
    image = source.convert("LA").convert(mode) if mode == "La" else source.convert(mode)

    result = to_basic_mode(image)

    assert result.mode in {"L", "LA", "RGB", "RGBX", "RGBA"}
    assert ("A" in result.getbands()) == (mode in {"LA", "La", "PA", "RGBA", "RGBa"})
    assert has_alpha(image) == ("A" in result.getbands())
    assert flatten_on_white(image).mode in {"L", "RGB", "RGBX"}


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "LAB"])
def test_other_colour_spaces_convert_to_rgb(mode: str) -> None:
    assert to_basic_mode(Image.new(mode, (2, 2))).mode == "RGB"


@pytest.mark.parametrize(
    ("profile", "mode"),
    [
        (SRGB, "RGB"),
        (SRGB, "L"),
        (rgb_profile(SRGB_PRIMARIES, SRGB_CURVE), "RGB"),
        (grey_profile(SRGB_CURVE), "L"),
        (b"nonsense" * 40, "RGB"),
        (WIDE_PROFILE[:200], "RGB"),
        (GREY_PROFILE, "RGB"),
        (cmyk_profile(), "RGB"),
        (b"", "RGB"),
        (None, "RGB"),
    ],
)
def test_a_useless_profile_is_dropped(profile: bytes | None, mode: str) -> None:
    assert profile_to_keep(profile, Image.new(mode, (1, 1))) is None


@pytest.mark.parametrize(
    ("profile", "mode"),
    [(WIDE_PROFILE, "RGB"), (WIDE_PROFILE, "P"), (WIDE_PROFILE, "L"), (GREY_PROFILE, "L"), (GREY_PROFILE, "LA")],
)
def test_a_profile_that_changes_colours_is_kept(profile: bytes, mode: str) -> None:
    assert profile_to_keep(profile, Image.new(mode, (1, 1))) == profile


@pytest.mark.parametrize(("file_format", "kept"), [("PNG", False), ("JPEG", True)])
def test_an_rgb_profile_is_ignored_in_a_grey_png_only(file_format: str, *, kept: bool) -> None:
    picture = open_picture(encoded(a_picture("L"), file_format, icc_profile=WIDE_PROFILE), MAX_PIXELS)

    assert (picture.icc_profile is not None) == kept


def test_to_srgb_keeps_the_colours() -> None:
    """A green of Display P3, converted by the matrices of both spaces."""
    wide = Image.new("RGBA", (1, 1), (120, 200, 100, 77))

    red, green, blue, alpha = to_srgb(wide, WIDE_PROFILE).getpixel((0, 0))  # type: ignore[misc]

    def light(value: int) -> float:
        return float(((value / 255 + 0.055) / 1.055) ** 2.4)

    expected = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]]) @ [
        light(120),
        light(200),
        light(100),
    ]
    values = 255 * (1.055 * np.clip(expected, 0.0031308, 1) ** (1 / 2.4) - 0.055)
    assert np.abs(np.array([red, green, blue]) - values).max() <= 2
    assert alpha == 77


def test_a_grey_profile_converts_to_grey() -> None:
    image = to_srgb(Image.new("LA", (1, 1), (128, 9)), grey_profile((1.0,)))

    assert (image.mode, image.getpixel((0, 0))) == ("LA", (188, 9))


def test_a_broken_cmyk_profile_is_ignored() -> None:
    inks = Image.new("CMYK", (1, 1), (255, 0, 0, 0))

    assert cmyk_or_lab_to_srgb(inks, cmyk_profile()[:300]).getpixel((0, 0)) == (0, 255, 255)
    assert cmyk_or_lab_to_srgb(inks, cmyk_profile()).getpixel((0, 0)) != (0, 255, 255)


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


@pytest.mark.parametrize("primaries", [SRGB_PRIMARIES, P3_PRIMARIES, BT2020_PRIMARIES])
def test_white_stays_white_in_every_colour_space(primaries: Primaries) -> None:
    white = to_srgb(Image.new("RGB", (1, 1), "white"), rgb_profile(primaries, SRGB_CURVE))

    assert white.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("codes", "profile"),
    [
        ((1, 13), None),
        ((12, 13), WIDE_PROFILE),
        ((9, 16), None),  # HDR
        ((200, 13), None),
    ],
)
def test_cicp_in_an_avif_becomes_a_profile(codes: tuple[int, int], profile: bytes | None) -> None:
    avif = encoded(a_picture(), "AVIF")
    at = avif.index(b"colrnclx") + 8

    picture = open_picture(avif[:at] + struct.pack(">HH", *codes) + avif[at + 4 :], MAX_PIXELS)

    assert picture.icc_profile == profile


def test_an_embedded_profile_in_an_avif_takes_precedence_over_cicp() -> None:
    avif = encoded(a_picture(), "AVIF", icc_profile=GREY_PROFILE)  # of no use for RGB

    assert open_picture(avif, MAX_PIXELS).icc_profile is None
