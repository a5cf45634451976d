"""A file says in several ways that its picture has a high dynamic range."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.compressor.decoders import Hdr, open_picture
from services.compressor.decoders.hdr import hdr_of_png, hdr_of_profile
from tests.support.compressing import MAX_PIXELS, WIDE_PROFILE, encoded
from tests.support.hdr_pictures import BT2020, HLG, NITS, PQ, a_scene, an_hdr_avif, an_hdr_png, an_hdr_profile

CLLI, MDCV = (b"cLLI", struct.pack(">II", 400 * NITS, 0)), (b"mDCV", bytes(16) + struct.pack(">II", 4000 * NITS, 1))


def hdr_of(data: bytes) -> Hdr | None:
    return open_picture(data, MAX_PIXELS).hdr


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("peak", [None, 600])
def test_an_avif_says_it_in_its_container(transfer: int, peak: int | None) -> None:
    assert hdr_of(an_hdr_avif(a_scene(), transfer, peak=peak)) == Hdr(BT2020, transfer, peak)


@pytest.mark.parametrize(
    ("light", "peak"),
    [((), None), ((CLLI,), 400), ((MDCV,), 4000), ((MDCV, CLLI), 400), (((b"cLLI", bytes(8)), MDCV), 4000)],
)
def test_a_png_says_it_in_a_chunk_and_the_peak_of_the_content_precedes_that_of_the_mastering_display(
    light: tuple[tuple[bytes, bytes], ...], peak: int | None
) -> None:
    assert hdr_of(an_hdr_png(a_scene(), light=light)) == Hdr(BT2020, PQ, peak)


def test_a_png_without_its_end_says_it_too() -> None:
    """Such a file is rebuilt from the chunks that affect what is shown."""
    assert hdr_of(an_hdr_png(a_scene(), light=(CLLI,))[:-12]) == Hdr(BT2020, PQ, 400)


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "PNG", "AVIF", "TIFF"])
def test_any_file_may_say_it_in_its_profile(file_format: str) -> None:
    picture = open_picture(encoded(a_scene(), file_format, icc_profile=an_hdr_profile(HLG)), MAX_PIXELS)

    assert picture.hdr == Hdr(BT2020, HLG, in_profile=True)
    assert picture.icc_profile == an_hdr_profile(HLG)


def test_a_usual_profile_is_none_of_high_dynamic_range() -> None:
    assert hdr_of_profile(WIDE_PROFILE) is None
    assert hdr_of(encoded(a_scene(), "AVIF", icc_profile=WIDE_PROFILE)) is None
    assert hdr_of(an_hdr_png(a_scene(), transfer=13)) is None


@given(st.binary(max_size=300))
def test_damaged_profiles_and_chunks_are_none_of_high_dynamic_range(data: bytes) -> None:
    damaged = an_hdr_profile()[:132] + data
    assert hdr_of_profile(damaged) is None or b"cicp" in data
    assert hdr_of_png({b"cICP": data, b"cLLI": data[:3]}) is None or len(data) == 4
