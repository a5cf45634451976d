"""JPEG sizes are predicted closely near the limit; elsewhere predictions only have to be monotonic."""

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.compressor.decoders import open_picture
from services.compressor.encoders.jpeg import jpeg_ladder
from services.compressor.encoders.jpeg.jpeg_file import Coding, encode_jpeg, scan_bytes
from services.compressor.encoders.jpeg.prediction import predict
from services.compressor.encoders.jpeg.quantisation import quantisation_tables
from services.compressor.rate_control.ladder import QUALITIES
from tests.support.compressing import MAX_PIXELS, WIDE_PROFILE, a_picture, decoded, encoded
from tests.support.pictures import a_photo


@pytest.mark.parametrize("save", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 60}, {"optimize": True}])
@pytest.mark.parametrize("percent", [25, 50, 75])
def test_the_predicted_quality_of_a_photograph_fits(percent: int, save: dict[str, Any]) -> None:
    original = a_photo(7, 640, 480, **save)
    ladder = jpeg_ladder(open_picture(original, MAX_PIXELS), len(original))
    limit = len(original) * percent // 100

    sizes = ladder.expected_sizes(limit)

    predicted = max((quality for quality, size in zip(QUALITIES, sizes, strict=True) if size <= limit), default=1)
    length = len(ladder.encode(predicted))
    assert sizes[QUALITIES.index(predicted)] == pytest.approx(length, rel=0.12)
    assert length < 1.1 * limit
    # The size of a previously quantised picture can drop sharply between two qualities.
    assert length > 0.8 * limit or len(ladder.encode(predicted + 2)) > limit


@given(
    st.sampled_from(["L", "RGB"]),
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
    st.sampled_from([0, 12, 255]),
    st.integers(-10, 200_000),
    st.none() | st.integers(1, 100),
)
@settings(max_examples=40, deadline=None)
def test_every_quality_has_a_prediction_and_predictions_never_decrease(
    mode: str, size: tuple[int, int], noise: int, limit: int, quality: int | None
) -> None:
    original = encoded(a_picture(mode, size, noise), "PNG" if quality is None else "JPEG", quality=quality or 90)
    ladder = jpeg_ladder(open_picture(original, MAX_PIXELS), len(original))

    sizes = ladder.expected_sizes(limit)

    assert len(sizes) == len(QUALITIES)
    assert all(0 < lower <= higher for lower, higher in itertools.pairwise(sizes))


def test_profile_bytes_are_included() -> None:
    original = a_photo(3)
    profiled = encoded(decoded(original), "PNG", icc_profile=WIDE_PROFILE + bytes(20_000))
    ladder = jpeg_ladder(open_picture(profiled, MAX_PIXELS), len(profiled))

    assert min(ladder.expected_sizes(30_000)) > 20_000


@pytest.mark.parametrize("limit", [500, 5_000, 100_000])
def test_a_small_picture_gets_optimised_huffman_tables(limit: int) -> None:
    assert predict(a_picture(noise=120), None, limit).coding.optimised_huffman


def test_a_large_picture_gets_optimised_huffman_tables_if_they_save_much() -> None:
    assert predict(a_picture(size=(900, 700)), None, 6_000).coding.optimised_huffman


@pytest.mark.parametrize("optimised", [True, False])
@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2)])
def test_the_bytes_of_an_empty_tile_are_about_right(subsampling: tuple[int, int], optimised: bool) -> None:
    coding = Coding(subsampling, optimised_huffman=optimised)
    flat = a_picture(size=(640, 640), noise=0).point(lambda _: 128)

    length = scan_bytes(encode_jpeg(flat, quantisation_tables(50), coding))

    assert coding.empty_tile_bytes * 1600 == pytest.approx(length, rel=0.25)
