"""HDR pictures in sRGB look as Chromium shows them on a usual screen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.compressor.decoders import Hdr
from services.compressor.decoders.tone_mapping import to_sdr
from tests.support.compressing import a_picture
from tests.support.hdr_pictures import BT2020, HLG, P3, PQ

# Screenshots of Chromium 150 in sRGB: what it shows for every 24th code of grey, and for a few colours.
GREYS = {
    Hdr(BT2020, PQ): [0, 2, 15, 38, 70, 114, 175, 226, 255, 255, 255],
    Hdr(BT2020, PQ, 400): [0, 4, 21, 49, 88, 141, 214, 255, 255, 255, 255],
    Hdr(BT2020, PQ, 4000): [0, 2, 15, 38, 70, 114, 175, 208, 226, 244, 255],
    Hdr(BT2020, HLG): [0, 7, 29, 50, 71, 92, 115, 147, 189, 220, 243],
}
COLOURS = {
    Hdr(BT2020, PQ): {
        (128, 64, 64): (165, 0, 24),
        (159, 191, 128): (0, 255, 4),
        (96, 128, 159): (0, 128, 220),
        (64, 32, 128): (12, 0, 139),
        (159, 128, 32): (252, 107, 0),
        (128, 128, 191): (48, 84, 255),
    },
    Hdr(BT2020, HLG): {
        (128, 64, 64): (112, 35, 44),
        (159, 191, 128): (104, 189, 96),
        (96, 128, 159): (46, 101, 130),
        (64, 32, 128): (46, 9, 88),
        (159, 128, 32): (146, 97, 0),
        (128, 128, 191): (93, 100, 177),
    },
    Hdr(P3, PQ): {
        (128, 64, 64): (145, 12, 23),
        (159, 191, 128): (112, 255, 40),
        (96, 128, 159): (39, 126, 219),
        (64, 32, 128): (33, 3, 138),
        (159, 128, 32): (235, 124, 0),
        (128, 128, 191): (88, 88, 255),
    },
}
TOLERANCE = 3


@pytest.mark.parametrize("hdr", GREYS)
def test_greys_look_as_chromium_shows_them(hdr: Hdr) -> None:
    codes = np.arange(0, 256, 24, dtype=np.uint8)[None]

    shown = [to_sdr(image, hdr) for image in (Image.fromarray(codes), Image.fromarray(codes).convert("RGB"))]

    assert np.asarray(shown[0]).tolist()[0] == pytest.approx(GREYS[hdr], abs=TOLERANCE)
    assert np.asarray(shown[1]).tolist() == [[[grey] * 3 for grey in np.asarray(shown[0]).tolist()[0]]]


@pytest.mark.parametrize("hdr", COLOURS)
def test_colours_look_as_chromium_shows_them(hdr: Hdr) -> None:
    codes = Image.fromarray(np.array([list(COLOURS[hdr])], np.uint8))

    shown = np.asarray(to_sdr(codes, hdr)).astype(int)[0]

    assert np.abs(shown - list(COLOURS[hdr].values())).max() <= TOLERANCE


@given(st.sampled_from([PQ, HLG]), st.integers(1, 20_000), st.lists(st.integers(0, 255), min_size=2, max_size=2))
def test_more_light_never_looks_darker(transfer: int, peak: int, greys: list[int]) -> None:
    darker, lighter = np.asarray(to_sdr(Image.fromarray(np.array([sorted(greys)], np.uint8)), Hdr(1, transfer, peak)))[
        0
    ]

    assert darker <= lighter
    assert to_sdr(Image.new("L", (1, 1), 0), Hdr(1, transfer, peak)).getpixel((0, 0)) == 0


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_stays(mode: str) -> None:
    picture = a_picture(mode)

    shown = to_sdr(picture, Hdr(BT2020, PQ))

    assert shown.mode == mode
    assert shown.getchannel("A").tobytes() == picture.getchannel("A").tobytes()


def test_a_wide_picture_is_converted_in_bands_without_a_seam() -> None:
    picture = a_picture("RGB", (2000, 300))
    row = picture.crop((0, 131, 2000, 132))

    shown = to_sdr(picture, Hdr(BT2020, PQ))

    assert shown.crop((0, 131, 2000, 132)).tobytes() == to_sdr(row, Hdr(BT2020, PQ)).tobytes()
