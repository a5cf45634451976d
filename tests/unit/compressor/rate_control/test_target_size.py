"""Fitting a number of bytes: lossless, else the highest rung from the lowest allowed up, else a smaller picture."""

from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.compressor.decoders import Picture
from services.compressor.rate_control.ladder import QUALITIES, Ladder
from services.compressor.rate_control.target_size import fit_to_size

SIDE = 200
PICTURE = Picture(Image.new("L", (SIDE, SIDE)), "png")


def a_ladder(picture: Picture, header: int = 0, prediction_factor: float = 1.0, **known: Any) -> Ladder:
    """A byte per thousand pixels times the quality, plus a header. prediction_factor: the error of its predictions."""
    pixels = picture.image.width * picture.image.height

    def size(quality: int) -> int:
        return header + pixels * quality // 1000

    def expected_sizes(_limit: int) -> list[float]:
        return [max(prediction_factor * size(quality), 0.1) for quality in QUALITIES]

    return Ladder(QUALITIES, lambda quality: bytes(size(quality)), expected_sizes, **known)


any_ladder: st.SearchStrategy[Callable[[Picture], Ladder]] = st.builds(
    partial, st.just(a_ladder), header=st.integers(0, 3000), prediction_factor=st.floats(0.2, 5)
)


@given(any_ladder, st.integers(0, 5000), st.sampled_from(QUALITIES), st.booleans())
def test_the_result_fits_if_any_allowed_encoding_does(
    ladder_of: Callable[[Picture], Ladder], limit: int, min_quality: int, allow_resize: bool
) -> None:
    found = fit_to_size(ladder_of, PICTURE, limit, min_quality, allow_resize=allow_resize)

    width, height = found.picture.image.size
    assert found.fits == (len(found.data) <= limit)
    assert found.quality is not None
    assert min_quality <= found.quality == found.rung
    assert found.data == ladder_of(found.picture).encode(found.quality)
    assert 1 <= width == height <= SIDE
    lowest = len(ladder_of(PICTURE).encode(min_quality))
    if not found.fits or not allow_resize:
        assert width == SIDE
    if not found.fits:
        assert len(found.data) == lowest > limit


@given(st.integers(1, 94), st.floats(0.8, 1.25))
def test_an_unscaled_picture_gets_the_highest_rung_or_fills_the_limit(quality: int, prediction_factor: float) -> None:
    limit = 40 * quality + 10

    found = fit_to_size(partial(a_ladder, prediction_factor=prediction_factor), PICTURE, limit, 1, allow_resize=True)

    assert found.picture is PICTURE
    assert found.rung == quality or len(found.data) >= 0.85 * limit


@given(st.floats(0.3, 0.8), st.floats(0.8, 1.25))
def test_a_scaled_picture_has_about_the_largest_fitting_scale(scale: float, prediction_factor: float) -> None:
    limit = round(SIDE * SIDE * 50 / 1000 * scale * scale)

    found = fit_to_size(partial(a_ladder, prediction_factor=prediction_factor), PICTURE, limit, 50, allow_resize=True)

    assert found.fits
    assert 0.5 * scale * SIDE <= found.picture.image.width <= scale * SIDE + 1


def test_lossless_is_preferred_if_it_fits() -> None:
    found = fit_to_size(lambda picture: a_ladder(picture, lossless=lambda: b"same"), PICTURE, 4, 1, allow_resize=True)

    assert (found.data, found.rung, found.quality, found.fits, found.encodes) == (b"same", None, None, True, 1)


def test_lossless_that_does_not_fit_counts_as_an_encode() -> None:
    found = fit_to_size(
        lambda picture: a_ladder(picture, lossless=lambda: bytes(9999)), PICTURE, 1600, 1, allow_resize=True
    )

    assert found.rung is not None
    assert found.encodes >= 2


def test_a_ladder_without_rungs_is_encoded_lossless() -> None:
    found = fit_to_size(
        lambda _: Ladder((), lambda _rung: b"", lambda _limit: (), lossless=lambda: b"same"),
        PICTURE,
        1,
        1,
        allow_resize=True,
    )

    assert (found.data, found.rung, found.fits) == (b"same", None, False)


def test_if_nothing_fits_the_smaller_of_lossless_and_lowest_rung_is_returned() -> None:
    def ladder_of(picture: Picture) -> Ladder:
        return a_ladder(picture, header=500, lossless=lambda: bytes(600))

    assert fit_to_size(ladder_of, PICTURE, 100, 50, allow_resize=False).rung is None
    assert fit_to_size(ladder_of, PICTURE, 100, 1, allow_resize=False).rung == 1


def test_a_ladder_whose_rungs_are_not_qualities_reports_no_quality() -> None:
    found = fit_to_size(lambda picture: a_ladder(picture, has_quality=False), PICTURE, 1000, 1, allow_resize=True)

    assert found.rung is not None
    assert found.quality is None


def test_a_min_quality_above_all_rungs_selects_the_highest() -> None:
    found = fit_to_size(
        lambda picture: a_ladder(picture, rung_of=lambda _quality: 1000), PICTURE, 9000, 95, allow_resize=False
    )

    assert found.rung == QUALITIES[-1]


def test_a_wrong_prediction_does_not_cost_pixels() -> None:
    """The measured bytes of the lowest rung decide the scale."""
    right = fit_to_size(a_ladder, PICTURE, 500, 50, allow_resize=True)
    wrong = fit_to_size(partial(a_ladder, prediction_factor=3.0), PICTURE, 500, 50, allow_resize=True)

    assert right.fits
    assert wrong.fits
    assert wrong.picture.image.width >= 0.9 * right.picture.image.width
