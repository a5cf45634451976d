"""CICP codes of an AVIF become a colour profile."""

import struct

import pytest

from services.compressor.decoders import open_picture
from tests.support.compressing import GREY_PROFILE, MAX_PIXELS, WIDE_PROFILE, a_picture, encoded


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
