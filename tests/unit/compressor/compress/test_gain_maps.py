"""A lost gain map is named, and no metadata announces it."""

from typing import Any

import pytest

from services.compressor.compress import Compressed, compress
from services.compressor.decoders import has_gain_map
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, encoded
from tests.support.gain_maps import an_ultra_hdr_jpeg
from tests.support.hdr_pictures import a_scene, an_hdr_avif

CREATOR = 'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"'


def compressed(original: bytes, **options: Any) -> Compressed:
    return compress(original, CompressOptions(**options), MAX_PIXELS)


@pytest.mark.parametrize("iso", [False, True])
@pytest.mark.parametrize("metadata", ["strip", "copyright", "keep"])
@pytest.mark.parametrize("format_", ["keep", "webp", "avif"])
def test_a_lost_gain_map_is_named_and_not_announced(format_: str, metadata: str, iso: bool) -> None:
    result = compressed(an_ultra_hdr_jpeg(iso=iso, more_xmp=CREATOR), format=format_, metadata=metadata)

    assert result.data is not None
    assert has_gain_map(result.data) == (result.lost is None)
    if result.lost:
        assert result.lost == "gain_map"
        for announcement in (b"hdrgm", b"GainMap", b"21496", b"MPF\0"):
            assert announcement not in result.data
    if metadata == "keep" and not iso:
        assert b"dc:format" in result.data


def test_a_kept_original_is_not_said_to_lose_what_it_has() -> None:
    original = an_ultra_hdr_jpeg()

    for metadata in ("strip", "keep"):
        result = compressed(original, mode="quality", percent=99, metadata=metadata)

        assert (result.lost == "gain_map") == (not has_gain_map(result.data or original))


def test_a_tone_mapped_picture_is_named() -> None:
    original = an_hdr_avif(a_scene())

    assert compressed(original, format="jpeg", mode="quality", percent=50).lost == "hdr"
    assert compressed(original).lost is None


def test_a_usual_picture_loses_nothing() -> None:
    assert compressed(encoded(a_scene(), "JPEG")).lost is None
