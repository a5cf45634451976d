"""Chrominance keeps its full resolution only if a picture has sharp coloured edges."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compressor.decoders import JpegSource, open_picture
from services.compressor.encoders.chrominance_loss import FULL, HALVED, Subsampling
from services.compressor.encoders.jpeg.chrominance import subsampling_for
from services.compressor.rate_control.ladder import QUALITIES
from tests.support.compressing import MAX_PIXELS, lettering
from tests.support.pictures import a_photo

WIDE, TALL, USUAL_QUALITY = (2, 1), (1, 2), 75


def a_source(subsampling: Subsampling) -> JpegSource:
    return JpegSource(((1,) * 64, (1,) * 64), subsampling, progressive=False, optimised_huffman=False, scan_bytes=9999)


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
def test_subsampling_is_never_finer_than_the_source_unless_it_is_440(has: Subsampling, quality: int) -> None:
    across, down = subsampling_for(lettering("red"), a_source(has), quality)

    assert (across, down) in {FULL, WIDE, HALVED}
    assert has == TALL or (across >= min(has[0], 2) and down >= min(has[1], 2))


def test_a_low_quality_gets_halved_chrominance() -> None:
    assert subsampling_for(lettering("red"), None, 5) == HALVED


def test_a_grey_picture_gets_halved_chrominance() -> None:
    assert subsampling_for(lettering("red").convert("L"), None, 95) == HALVED


@pytest.mark.parametrize("quality", [75, 88, 95])
@pytest.mark.parametrize(("has", "gets"), [(FULL, FULL), (WIDE, WIDE), ((4, 1), WIDE), (TALL, FULL)])
def test_coloured_lettering_keeps_what_its_source_has_at_every_usual_quality(
    has: Subsampling, gets: Subsampling, quality: int
) -> None:
    """Pillow writes no 4:4:0."""
    assert subsampling_for(lettering("red"), a_source(has), quality) == gets


def test_full_resolution_is_kept_for_less_where_it_is_free() -> None:
    pale = lettering("#ffd8d8")

    assert subsampling_for(pale, a_source(FULL), 95) == HALVED
    assert subsampling_for(pale, a_source(FULL), 95, is_free=True) == FULL
    assert subsampling_for(lettering("black"), a_source(FULL), 95, is_free=True) == HALVED
