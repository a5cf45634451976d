"""Qualities that look the same from one encoder to the next."""

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
def test_is_a_quality_and_leads_back(quality: int, source: Format, target: Format) -> None:
    there = equivalent_quality(quality, source, target)

    assert there in QUALITIES
    if 15 <= quality <= 90:
        assert abs(equivalent_quality(there, target, source) - quality) <= 3


@given(a_format, a_format)
def test_never_falls(source: Format, target: Format) -> None:
    qualities = [equivalent_quality(quality, source, target) for quality in QUALITIES]

    assert all(lower <= higher for lower, higher in itertools.pairwise(qualities))


def test_avif_looks_as_good_at_a_lower_number() -> None:
    assert equivalent_quality(75, "jpeg", "avif") == 59
    assert equivalent_quality(59, "avif", "jpeg") == 75
    assert equivalent_quality(40, "jpeg", "jpeg") == 40
