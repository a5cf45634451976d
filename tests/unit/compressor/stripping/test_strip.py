"""Every kind of file can be stripped, shows the same afterwards, and has nothing more to remove."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.compressor.compress_error import CompressError
from services.compressor.decoders import open_picture
from services.compressor.stripping import strip_original
from services.compressor.stripping.avif import strip_avif
from services.compressor.stripping.kept import Kept
from tests.support.compressing import MAX_PIXELS, a_picture, encoded
from tests.zoo import NAMES, specimen
from tests.zoo.secrets import SECRET_FILES, file_with_secrets, tiff_with_texts_for_numbers

STRIPPED = [
    name for name in NAMES if name not in ("png with a wrong checksum in gAMA", "png with more rows than declared")
]
"""With a right checksum the first would look different, and the hidden rows of the second may show anything: they are
encoded instead."""


def file_named(name: str) -> bytes:
    return file_with_secrets(name) if name in SECRET_FILES else specimen(name).data


def stripped(original: bytes) -> bytes | None:
    return strip_original(original, open_picture(original, MAX_PIXELS))


@pytest.mark.parametrize("name", STRIPPED)
def test_every_kind_of_picture_can_be_stripped(name: str) -> None:
    original = specimen(name).data

    data = stripped(original)

    assert data is not None
    assert len(data) <= len(original)
    before, after = open_picture(original, MAX_PIXELS), open_picture(data, MAX_PIXELS)
    assert after.image.tobytes() == before.image.tobytes()
    assert (after.icc_profile, after.hdr, after.orientation) == (before.icc_profile, before.hdr, before.orientation)
    frames = [list(each.animation.frames()) if each.animation else [] for each in (before, after)]
    assert [frame.milliseconds for frame in frames[0]] == [frame.milliseconds for frame in frames[1]]
    assert [frame.image.tobytes() for frame in frames[0]] == [frame.image.tobytes() for frame in frames[1]]


@pytest.mark.parametrize("name", [*STRIPPED, *SECRET_FILES])
def test_a_stripped_file_has_nothing_to_remove(name: str) -> None:
    data = stripped(file_named(name))

    assert data is not None
    assert stripped(data) == data


def test_an_avif_without_its_gain_map_has_no_brand_that_requires_one() -> None:
    """libavif refuses a file with this brand and without the item."""
    plain = encoded(a_picture(), "AVIF")
    assert plain.index(b"MA1B") < 40

    data = strip_avif(plain.replace(b"MA1B", b"tmap", 1), Kept())

    assert b"tmap" not in data
    assert open_picture(data, MAX_PIXELS).image.tobytes() == open_picture(plain, MAX_PIXELS).image.tobytes()


@pytest.mark.parametrize(
    "original", [tiff_with_texts_for_numbers(deflated=True), specimen("png with more rows than declared").data]
)
def test_a_file_with_hidden_rows_is_not_stripped(original: bytes) -> None:
    """They are inside the compressed data, so the picture is encoded instead."""
    assert stripped(original) is None


@given(st.sampled_from(sorted(SECRET_FILES)), st.data())
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_file_is_stripped_or_refused(name: str, data: st.DataObject) -> None:
    """Without any other exception, whatever its structure says."""
    damaged = bytearray(file_with_secrets(name))
    for at in data.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=6)):
        damaged[at] = data.draw(st.integers(0, 255))
    try:
        picture = open_picture(bytes(damaged), 100_000)
    except CompressError:
        return

    result = strip_original(bytes(damaged), picture)

    assert result is None or len(result) <= len(damaged)
