"""Colours keep their full resolution where their edges are sharp, and there alone."""

import pytest
from PIL import Image, ImageDraw

from services.compressor.formats.jpeg_chrominance import chrominance_loss, needs_full_chrominance
from services.compressor.opening.open_picture import open_picture
from services.compressor.opening.picture import JpegSource
from tests.pictures import a_photo
from tests.unit.compressor.make import MAX_PIXELS, a_picture

HALVED, FULL = (
    JpegSource(((1,) * 64, (1,) * 64), subsampling, progressive=False, fitted_huffman=False, scan_bytes=9999)
    for subsampling in ((2, 2), (1, 1))
)


def lettering(colour: str) -> Image.Image:
    """Many thin letters on white."""
    picture = Image.new("RGB", (320, 240), "white")
    drawing = ImageDraw.Draw(picture)
    for row in range(24):
        drawing.text((2, 10 * row), "Sale! -50 % " * 6, fill=colour)
    return picture


@pytest.mark.parametrize("colour", ["red", "blue", "#00a000"])
def test_coloured_lettering_keeps_it(colour: str) -> None:
    assert needs_full_chrominance(lettering(colour), None)
    assert needs_full_chrominance(lettering(colour).convert("RGBX"), FULL)


@pytest.mark.parametrize("colour", ["black", "#404040"])
def test_black_lettering_has_no_colour_to_keep(colour: str) -> None:
    assert chrominance_loss(lettering(colour)) == pytest.approx(0, abs=0.5)
    assert not needs_full_chrominance(lettering(colour), None)


@pytest.mark.parametrize("seed", range(3))
def test_a_photograph_does_without(seed: int) -> None:
    image = open_picture(a_photo(seed, file_format="PNG"), MAX_PIXELS).image

    assert not needs_full_chrominance(image, None)


def test_what_is_halved_already_has_no_more_to_lose() -> None:
    assert not needs_full_chrominance(lettering("red"), HALVED)


def test_grey_has_no_chrominance() -> None:
    assert not needs_full_chrominance(lettering("red").convert("L"), None)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (15, 15), (16, 16), (17, 900)])
def test_pictures_of_any_size_are_judged(size: tuple[int, int]) -> None:
    assert 0 <= chrominance_loss(a_picture("RGB", size, noise=255)) <= 255
