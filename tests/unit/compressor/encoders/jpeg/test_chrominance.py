"""Chrominance keeps its full resolution only if a picture has sharp coloured edges."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from services.compressor.decoders import JpegSource, open_picture
from services.compressor.encoders.jpeg.chrominance import HALVED, Subsampling, chrominance_loss, subsampling_for
from services.compressor.rate_control.ladder import QUALITIES
from tests.support.compressing import MAX_PIXELS, a_picture
from tests.support.pictures import a_photo

FULL, WIDE, USUAL_QUALITY = (1, 1), (2, 1), 75


def a_source(subsampling: Subsampling) -> JpegSource:
    return JpegSource(((1,) * 64, (1,) * 64), subsampling, progressive=False, optimised_huffman=False, scan_bytes=9999)


def lettering(colour: str) -> Image.Image:
    """Small text on white."""
    picture = Image.new("RGB", (320, 240), "white")
    drawing = ImageDraw.Draw(picture)
    for row in range(24):
        drawing.text((2, 10 * row), "Sale! -50 % " * 6, fill=colour)
    return picture


@pytest.mark.parametrize("colour", ["red", "blue", "#00a000"])
def test_coloured_lettering_keeps_full_resolution(colour: str) -> None:
    assert subsampling_for(lettering(colour), None, USUAL_QUALITY) == FULL
    assert subsampling_for(lettering(colour).convert("RGBX"), a_source(FULL), USUAL_QUALITY) == FULL


@pytest.mark.parametrize("quality", [10, 60, 75, 95])
@pytest.mark.parametrize("colour", ["black", "#404040"])
def test_black_lettering_gets_halved_chrominance(colour: str, quality: int) -> None:
    assert subsampling_for(lettering(colour), None, quality) == HALVED


@pytest.mark.parametrize("seed", range(3))
def test_a_photograph_gets_halved_chrominance(seed: int) -> None:
    image = open_picture(a_photo(seed, file_format="PNG"), MAX_PIXELS).image

    assert subsampling_for(image, None, USUAL_QUALITY) == HALVED


@given(st.sampled_from([FULL, WIDE, HALVED, (1, 2), (4, 1)]), st.sampled_from(QUALITIES))
@settings(max_examples=40, deadline=None)
def test_subsampling_is_never_finer_than_the_source(has: Subsampling, quality: int) -> None:
    across, down = subsampling_for(lettering("red"), a_source(has), quality)

    assert (across, down) in {FULL, WIDE, HALVED}
    assert (across, down) == HALVED or (across >= has[0] and down >= has[1])


def test_a_low_quality_gets_halved_chrominance() -> None:
    assert subsampling_for(lettering("red"), None, 5) == HALVED


def test_a_grey_picture_gets_halved_chrominance() -> None:
    assert subsampling_for(lettering("red").convert("L"), None, 95) == HALVED


@pytest.mark.parametrize("has", [FULL, WIDE])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (15, 15), (16, 16), (17, 900)])
def test_pictures_of_any_size_are_measured(size: tuple[int, int], has: Subsampling) -> None:
    assert 0 <= chrominance_loss(a_picture("RGB", size, noise=255), has) <= 255
