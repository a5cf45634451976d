"""The loss of halved chrominance is measured where it is greatest."""

import pytest
from PIL import Image

from services.compressor.encoders.chrominance_loss import FULL, Subsampling, chrominance_loss
from tests.support.compressing import a_picture, lettering

WIDE, TALL = (2, 1), (1, 2)


@pytest.mark.parametrize("has", [FULL, WIDE, TALL])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (15, 15), (16, 16), (17, 900)])
def test_pictures_of_any_size_are_measured(size: tuple[int, int], mode: str, has: Subsampling) -> None:
    assert 0 <= chrominance_loss(a_picture(mode, size, noise=255), has) <= 255


def test_saturated_lettering_loses_much_and_black_lettering_nothing() -> None:
    assert chrominance_loss(lettering("red"), FULL) > 20
    assert chrominance_loss(lettering("black"), FULL) < 1


def test_what_is_halved_already_is_no_loss() -> None:
    halved = lettering("red").reduce(2).resize((320, 240), Image.Resampling.NEAREST)

    assert chrominance_loss(halved, FULL) < 1


def test_one_coloured_label_on_a_large_picture_counts() -> None:
    picture = a_picture(size=(1200, 900))
    before = chrominance_loss(picture, FULL)
    picture.paste(lettering("red").crop((0, 0, 60, 20)), (700, 500))

    assert chrominance_loss(picture, FULL) > before + 10


def test_the_colour_of_transparent_pixels_does_not_count() -> None:
    hidden = lettering("red")
    hidden.putalpha(0)

    assert chrominance_loss(hidden, FULL) == 0
