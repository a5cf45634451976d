"""Quantisation tables scale with quality as libjpeg's do, and foreign tables map to an equivalent quality."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compressor.encoders.jpeg.quantisation import (
    estimate_quality,
    luminance_step,
    mean_step,
    quality_of,
    quantisation_tables,
    scale_of,
)
from services.compressor.rate_control.ladder import QUALITIES

a_quality = st.sampled_from(QUALITIES)


def test_a_higher_quality_has_no_coarser_step() -> None:
    for lower, higher in itertools.pairwise(QUALITIES):
        assert scale_of(higher) < scale_of(lower)
        for coarse, fine in zip(quantisation_tables(lower), quantisation_tables(higher), strict=True):
            assert all(step <= before for before, step in zip(coarse, fine, strict=True))
        assert luminance_step(higher) < luminance_step(lower) or lower < 5  # there every step is the coarsest


@given(a_quality)
def test_each_table_has_64_steps_that_baseline_jpeg_allows(quality: int) -> None:
    luminance, chrominance = quantisation_tables(quality)

    assert len(luminance) == len(chrominance) == 64
    assert set(luminance) | set(chrominance) <= set(range(1, 256))


def test_high_frequencies_are_quantised_more_coarsely() -> None:
    for table in quantisation_tables(50):
        assert max(table[0], table[1], table[8]) < min(table[-1], table[-2], table[-9])
        assert table[0] <= 2 * min(table)


@pytest.mark.parametrize(("quality", "scale"), [(10, 5.0), (50, 1.0), (90, 0.2)])
def test_scales_equal_libjpegs(quality: int, scale: float) -> None:
    assert scale_of(quality) == pytest.approx(scale)


@given(a_quality)
def test_quality_of_inverts_scale_of(quality: int) -> None:
    assert quality_of(scale_of(quality)) == quality


@pytest.mark.parametrize(("scale", "quality"), [(1000.0, 1), (0.0, 95), (0.02, 95)])
def test_extreme_scales_map_to_the_lowest_and_highest_quality(scale: float, quality: int) -> None:
    assert quality_of(scale) == quality


@given(st.integers(15, 90))  # below, the coarsest steps are clipped
def test_the_estimated_quality_of_our_own_table_is_close(quality: int) -> None:
    assert abs(estimate_quality(quantisation_tables(quality)[0]) - quality) <= 3


def test_the_mean_step_of_a_flat_table_is_its_step() -> None:
    assert mean_step([7] * 64) == pytest.approx(7)
    assert mean_step([0] * 64) == pytest.approx(1)  # the finest step
    assert estimate_quality([1] * 64) == 95
    assert estimate_quality([255] * 64) < 20
