"""Colour profiles: which are kept, and the conversion to sRGB."""

import numpy as np
import pytest
from PIL import Image

from services.compressor.decoders import open_picture, to_srgb
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
from tests.support.compressing import GREY_PROFILE, MAX_PIXELS, SRGB, WIDE_PROFILE, a_picture, encoded
from tests.zoo.profiles import cmyk_profile


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


@pytest.mark.parametrize("primaries", [SRGB_PRIMARIES, P3_PRIMARIES, BT2020_PRIMARIES])
def test_white_stays_white_in_every_colour_space(primaries: Primaries) -> None:
    white = to_srgb(Image.new("RGB", (1, 1), "white"), rgb_profile(primaries, SRGB_CURVE))

    assert white.getpixel((0, 0)) == (255, 255, 255)
