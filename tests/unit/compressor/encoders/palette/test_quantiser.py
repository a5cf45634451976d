"""Palettes have at most the requested colours, close to the original's; opaque and translucent colours never mix."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageChops, ImageStat

from services.compressor.encoders.palette.reduction import Reduction, lowest_colours, reduce_colours
from services.compressor.encoders.palette.true_colour import STEP_OF_COLOURS, round_colours
from tests.support.compressing import a_picture

pixels = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(4)), elements=st.integers(0, 255))


@given(pixels, st.integers(4, 256))
@settings(deadline=None, max_examples=60)
def test_opaque_transparent_and_translucent_pixels_stay_so(rgba: np.ndarray, colours: int) -> None:
    reduced = reduce_colours(Image.fromarray(rgba), colours)

    assert reduced.mode == "P"
    assert reduced.size == (rgba.shape[1], rgba.shape[0])
    assert len(reduced.getcolors() or ()) <= colours
    before, after = rgba[..., 3], np.asarray(reduced.convert("RGBA"))[..., 3]
    assert ((before == 255) == (after == 255)).all()
    assert ((before == 0) == (after == 0)).all()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_more_colours_give_a_smaller_error(mode: str) -> None:
    source = a_picture(mode, noise=40)
    reduction = Reduction(source)

    def error(colours: int) -> float:
        shown = reduction.to(colours).convert("RGBA").convert("RGBa")  # weights colours by their opacity
        return float(sum(ImageStat.Stat(ImageChops.difference(shown, source.convert("RGBA").convert("RGBa"))).rms))

    errors = [error(colours) for colours in (lowest_colours(source), 16, 64, 256)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 2


def test_the_error_is_smaller_than_with_pillows_median_cut() -> None:
    source = a_picture("RGB", (320, 240), noise=40)

    def error(reduced: Image.Image) -> float:
        return float(np.square(ImageStat.Stat(ImageChops.difference(reduced.convert("RGB"), source)).rms).sum())

    for colours in (16, 64, 256):
        assert error(reduce_colours(source, colours)) < error(source.quantize(colours, Image.Quantize.MEDIANCUT))


def test_256_grey_levels_stay_distinct() -> None:
    source = Image.linear_gradient("L")

    assert reduce_colours(source, 256).convert("L").tobytes() == source.tobytes()


@pytest.mark.parametrize("step", STEP_OF_COLOURS.values())
def test_coarser_steps_keep_white_black_and_alpha(step: int) -> None:
    ramp = Image.merge("RGBA", [Image.linear_gradient("L")] * 4)

    stepped = np.asarray(round_colours(ramp, step)).astype(int)

    before = np.asarray(ramp).astype(int)
    assert (stepped[..., 3] == before[..., 3]).all()
    assert np.abs(stepped - before).max() <= (step + 1) // 2
    assert (stepped[0, 0, 0], stepped[-1, 0, 0]) == (0, 255)
