"""Palettes: as many colours as asked for, near what they stand for; opaque, soft and clear never mix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageChops, ImageStat

from services.compressor.encoders.palette.reduction import Reduction, lowest_colours, reduce_colours
from services.compressor.encoders.palette.size_prediction import (
    predict_animation_bytes,
    predict_sizes_by_colours,
    strip_sample,
)
from services.compressor.encoders.palette.true_colour import STEP_OF_COLOURS, in_steps
from tests.support.compressing import a_picture

pixels = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(4)), elements=st.integers(0, 255))


@given(pixels, st.integers(4, 256))
@settings(deadline=None, max_examples=60)
def test_opaque_stays_opaque_clear_clear_and_soft_soft(rgba: np.ndarray, colours: int) -> None:
    reduced = reduce_colours(Image.fromarray(rgba), colours)

    assert reduced.mode == "P"
    assert reduced.size == (rgba.shape[1], rgba.shape[0])
    assert len(reduced.getcolors() or ()) <= colours
    before, after = rgba[..., 3], np.asarray(reduced.convert("RGBA"))[..., 3]
    assert ((before == 255) == (after == 255)).all()
    assert ((before == 0) == (after == 0)).all()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_more_colours_are_nearer(mode: str) -> None:
    source = a_picture(mode, noise=40)
    reduction = Reduction(source)

    def error(colours: int) -> float:
        shown = reduction.to(colours).convert("RGBA").convert("RGBa")  # colours count as far as they are visible
        return float(sum(ImageStat.Stat(ImageChops.difference(shown, source.convert("RGBA").convert("RGBa"))).rms))

    errors = [error(colours) for colours in (lowest_colours(source), 16, 64, 256)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 2


def test_no_worse_than_pillow() -> None:
    source = a_picture("RGB", (320, 240), noise=40)

    def error(reduced: Image.Image) -> float:
        return float(np.square(ImageStat.Stat(ImageChops.difference(reduced.convert("RGB"), source)).rms).sum())

    for colours in (16, 64, 256):
        assert error(reduce_colours(source, colours)) < error(source.quantize(colours, Image.Quantize.MEDIANCUT))


def test_every_grey_is_told_apart() -> None:
    source = Image.linear_gradient("L")

    assert reduce_colours(source, 256).convert("L").tobytes() == source.tobytes()


@pytest.mark.parametrize("step", STEP_OF_COLOURS.values())
def test_steps_keep_white_black_and_alpha(step: int) -> None:
    ramp = Image.merge("RGBA", [Image.linear_gradient("L")] * 4)

    stepped = np.asarray(in_steps(ramp, step)).astype(int)

    before = np.asarray(ramp).astype(int)
    assert (stepped[..., 3] == before[..., 3]).all()
    assert np.abs(stepped - before).max() <= (step + 1) // 2
    assert (stepped[0, 0, 0], stepped[-1, 0, 0]) == (0, 255)


@given(st.lists(st.integers(1, 10**6), min_size=2, max_size=16), st.integers(1, 10**6), st.floats(0.05, 1.0))
def test_expected_sizes_never_fall(sizes: list[int], limit: int, share: float) -> None:
    rungs = [2 << rung for rung in range(len(sizes))]

    expected = predict_sizes_by_colours(rungs, limit, share, lambda rung: sizes[rungs.index(rung)])

    assert len(expected) == len(rungs)
    assert expected == sorted(expected)
    assert expected[0] > 0


def test_strips_are_a_part_of_a_large_picture_and_all_of_a_small_one() -> None:
    small, large = a_picture(size=(100, 100)), Image.new("RGB", (1000, 2000), "red")

    assert strip_sample(small) is small
    assert strip_sample(large).width == 1000
    assert strip_sample(large).height < 200
    assert strip_sample(large).getcolors() == [(1000 * strip_sample(large).height, (255, 0, 0))]


def test_an_animation_is_its_first_frame_and_what_changes() -> None:
    assert predict_animation_bytes(lambda frames: 1000 + 10 * (frames - 1), count=101) == 2000
