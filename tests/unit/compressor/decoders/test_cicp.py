"""CICP codes of an AVIF become a colour profile."""

import struct

import pytest

from services.compressor.decoders import open_picture
from services.compressor.decoders.cicp import profile_from_cicp
from services.compressor.decoders.icc_writer import (
    BT601_525_PRIMARIES,
    BT2020_PRIMARIES,
    SRGB_CURVE,
    SRGB_PRIMARIES,
    rgb_profile,
)
from tests.support.compressing import GREY_PROFILE, MAX_PIXELS, WIDE_PROFILE, a_picture, encoded


@pytest.mark.parametrize(
    ("codes", "profile"),
    [
        ((1, 13), None),
        ((12, 13), WIDE_PROFILE),
        ((12, 1), WIDE_PROFILE),  # video's transfer function counts as sRGB's in an AVIF
        ((12, 2), WIDE_PROFILE),
        ((1, 1), None),
        ((9, 14), rgb_profile(BT2020_PRIMARIES, SRGB_CURVE)),
        ((6, 6), rgb_profile(BT601_525_PRIMARIES, SRGB_CURVE)),
        ((1, 4), rgb_profile(SRGB_PRIMARIES, (2.2,))),
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


def test_video_in_a_png_is_shown_as_a_display_shows_it() -> None:
    assert profile_from_cicp(9, 1, grey=False) == rgb_profile(BT2020_PRIMARIES, (2.4,))
    assert profile_from_cicp(1, 14, grey=False) == rgb_profile(SRGB_PRIMARIES, (2.4,))
