"""BMP: fewer bits per pixel, lossless if the colours allow it."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from services.compressor.compress import compress
from services.compressor.encoders.bmp.bmp_file import bmp_size, write_indexed_bmp, write_true_colour_bmp
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, a_picture, decoded, encoded


@given(st.sampled_from((2, 16, 200)), st.integers(1, 20), st.integers(1, 9), st.data())
def test_pillow_reads_every_bit_depth(colours: int, width: int, height: int, data: st.DataObject) -> None:
    indices = data.draw(arrays(np.uint8, (height, width), elements=st.integers(0, colours - 1)))
    entries = data.draw(arrays(np.uint8, (colours, 4)))

    bmp = write_indexed_bmp(indices, entries)

    assert len(bmp) == bmp_size((width, height), colours, 3)
    with Image.open(io.BytesIO(bmp)) as image:
        assert (np.asarray(image.convert("RGB")) == entries[indices][..., :3]).all()


@given(st.integers(1, 20), st.integers(1, 9), st.data())
def test_pillow_reads_alpha(width: int, height: int, data: st.DataObject) -> None:
    pixels = data.draw(arrays(np.uint8, (height, width, 4)))

    bmp = write_true_colour_bmp(Image.fromarray(pixels))

    assert len(bmp) == bmp_size((width, height), 257, 4)
    with Image.open(io.BytesIO(bmp)) as image:
        assert (np.asarray(image) == pixels).all()


@pytest.mark.parametrize(("percent", "mode"), [(50, "P"), (20, "P"), (12, "P")])
def test_colours_are_reduced_until_the_file_fits(percent: int, mode: str) -> None:
    original = encoded(a_picture("RGB", (200, 150)), "BMP")
    options = CompressOptions(percent=percent, min_quality=1)

    result = compress(original, options, MAX_PIXELS)

    assert result.data is not None
    assert result.target_met
    picture = decoded(result.data)
    assert (picture.format, picture.mode, picture.size) == ("BMP", mode, (result.width, result.height))


def test_a_picture_of_few_colours_stays_lossless() -> None:
    source = a_picture("RGB").quantize(12).convert("RGB")

    result = compress(encoded(source, "BMP"), CompressOptions(), MAX_PIXELS)

    assert result.data is not None
    assert decoded(result.data).convert("RGB").tobytes() == source.tobytes()


@pytest.mark.parametrize("colours", [5, 16])
def test_a_scaled_picture_of_few_colours_keeps_its_bits_per_pixel(colours: int) -> None:
    """Scaling mixes new colours. At 24 bits per pixel the picture would have to lose most of its pixels."""
    original = encoded(a_picture("RGB", (200, 150)).quantize(colours), "BMP")

    result = compress(original, CompressOptions(), MAX_PIXELS)

    assert result.data is not None
    assert result.target_met
    assert result.width * result.height > 0.85 * 200 * 150


def test_a_picture_too_large_at_min_quality_is_scaled_down() -> None:
    original = encoded(a_picture("RGB", (200, 150)), "BMP")

    result = compress(original, CompressOptions(percent=5), MAX_PIXELS)

    assert result.data is not None
    assert result.target_met
    assert result.width < 200
