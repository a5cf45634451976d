"""Qualities of different encoders that look the same."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from services.compressor.decoders import Format
from services.compressor.rate_control.equal_quality import equivalent_quality
from services.compressor.rate_control.ladder import QUALITIES

FORMATS: tuple[Format, ...] = ("jpeg", "webp", "avif", "tiff")
a_quality = st.sampled_from(QUALITIES)
a_format = st.sampled_from(FORMATS)


@given(a_quality, a_format, a_format)
def test_equivalent_quality_is_valid_and_reversible(quality: int, source: Format, target: Format) -> None:
    equivalent = equivalent_quality(quality, source, target)

    assert equivalent in QUALITIES
    if 15 <= quality <= 90:
        assert abs(equivalent_quality(equivalent, target, source) - quality) <= 3


@given(a_format, a_format)
def test_a_higher_quality_never_has_a_lower_equivalent(source: Format, target: Format) -> None:
    qualities = [equivalent_quality(quality, source, target) for quality in QUALITIES]

    assert all(lower <= higher for lower, higher in itertools.pairwise(qualities))


def test_avif_matches_jpeg_at_a_lower_number() -> None:
    assert equivalent_quality(75, "jpeg", "avif") == 59
    assert equivalent_quality(59, "avif", "jpeg") == 75
    assert equivalent_quality(40, "jpeg", "jpeg") == 40
