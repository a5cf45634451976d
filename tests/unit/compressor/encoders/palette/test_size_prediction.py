"""Sizes at each number of colours are predicted from strips and from first frames."""

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.compressor.encoders.palette.size_prediction import (
    predict_animation_bytes,
    predict_sizes_by_colours,
    strip_sample,
)
from tests.support.compressing import a_picture


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=16), st.integers(1, 10**6), st.floats(0.05, 1.0))
def test_predicted_sizes_never_decrease(sizes: list[int], limit: int, share: float) -> None:
    rungs = [2 << rung for rung in range(len(sizes))]

    expected = predict_sizes_by_colours(rungs, limit, share, lambda rung: sizes[rungs.index(rung)])

    assert len(expected) == len(rungs)
    assert expected == sorted(expected)
    assert expected[0] > 0


def test_a_large_picture_is_sampled_and_a_small_one_is_not() -> None:
    small, large = a_picture(size=(100, 100)), Image.new("RGB", (1000, 2000), "red")

    assert strip_sample(small) is small
    assert strip_sample(large).width == 1000
    assert strip_sample(large).height < 200
    assert strip_sample(large).getcolors() == [(1000 * strip_sample(large).height, (255, 0, 0))]


def test_an_animation_is_extrapolated_from_its_first_frames() -> None:
    assert predict_animation_bytes(lambda frames: 1000 + 10 * (frames - 1), count=101) == 2000
