"""A JPEG keeps its gain map where the size allows; a lost one is named, and no metadata announces it."""

import re
from typing import Any

import numpy as np
import pytest

from services.compressor.compress import Compressed, compress
from services.compressor.decoders import has_gain_map, open_picture
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, a_picture, an_exif, encoded
from tests.support.gain_maps import an_ultra_hdr_jpeg
from tests.support.hdr_pictures import a_scene, an_hdr_avif

CREATOR = 'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"'
ANNOUNCEMENTS = (b"hdrgm", b"GainMap", b"21496", b"MPF\0")


def compressed(original: bytes, **options: Any) -> Compressed:
    return compress(original, CompressOptions(**options), MAX_PIXELS)


@pytest.mark.parametrize("iso", [False, True])
@pytest.mark.parametrize("metadata", ["strip", "copyright", "keep"])
@pytest.mark.parametrize(
    "options", [{}, {"percent": 25}, {"max_width": 100}, {"mode": "dimensions"}, {"mode": "quality"}]
)
def test_a_jpeg_keeps_its_gain_map(options: dict[str, Any], metadata: str, iso: bool) -> None:
    original = an_ultra_hdr_jpeg(iso=iso, more_xmp=CREATOR)

    result = compressed(original, metadata=metadata, **options)

    assert result.data is not None
    assert result.target_met
    assert result.lost is None
    before, after = (open_picture(data, MAX_PIXELS).gain_map for data in (original, result.data))
    assert before
    assert after
    assert (after.properties, after.iso) == (before.properties, before.iso)
    wanted = np.asarray(before.image.resize(after.image.size)).astype(int)
    assert np.abs(np.asarray(after.image) - wanted).mean() < 4
    if not iso:
        assert re.search(rb'Item:Length="%d"' % (len(result.data) - result.data.rindex(b"\xff\xd8\xff")), result.data)
        assert (b"dc:format" in result.data) == (metadata == "keep")


def test_the_gain_map_is_turned_upright_with_its_picture() -> None:
    original = an_ultra_hdr_jpeg(a_picture(size=(320, 240)))
    exif = encoded(a_picture(), "JPEG", exif=an_exif(6))
    segment = exif[exif.index(b"\xff\xe1") :][: 2 + int.from_bytes(exif[exif.index(b"\xff\xe1") + 2 :][:2], "big")]

    result = compressed(original[:2] + segment + original[2:])

    assert result.data is not None
    assert (result.width, result.height) == (240, 320)
    gain_map = open_picture(result.data, MAX_PIXELS).gain_map
    assert gain_map
    assert gain_map.image.width < gain_map.image.height


def test_a_gain_map_that_does_not_fit_is_named() -> None:
    flat = a_picture(size=(64, 64), noise=0)
    original = an_ultra_hdr_jpeg(flat)

    result = compressed(original, percent=35)

    assert result.lost == "gain_map"
    assert result.data is not None
    assert not has_gain_map(result.data)
    assert b"hdrgm" not in result.data


@pytest.mark.parametrize("max_width", [16, 60, 79])
def test_the_gain_map_of_a_picture_that_is_scaled_down_is_no_larger_than_it(max_width: int) -> None:
    result = compressed(an_ultra_hdr_jpeg(), max_width=max_width)

    assert result.data is not None
    assert result.lost is None
    gain_map = open_picture(result.data, MAX_PIXELS).gain_map
    assert gain_map
    assert gain_map.image.width <= max_width


@pytest.mark.parametrize("iso", [False, True])
def test_nothing_but_the_figures_of_a_gain_map_is_kept(iso: bool) -> None:
    clean = an_ultra_hdr_jpeg(iso=iso)
    secret = b' hdrgm:Artist="secret"><hdrgm:Note><rdf:Seq><rdf:li>secret</rdf:li></rdf:Seq></hdrgm:Note>'
    start = clean.rindex(b"\xff\xd8\xff") + 2
    end = start + 2 + int.from_bytes(clean[start + 2 : start + 4], "big")
    content = clean[start + 4 : end]
    content = content + b"secret" if iso else content.replace(b"></rdf:Description>", secret + b"</rdf:Description>")
    segment = clean[start : start + 2] + (len(content) + 2).to_bytes(2, "big") + content
    original = clean[:start] + segment + clean[end:]
    assert original.count(b"secret") == (1 if iso else 2)

    result = compressed(original)

    assert result.data is not None
    assert result.lost is None
    assert b"secret" not in result.data


@pytest.mark.parametrize("iso", [False, True])
@pytest.mark.parametrize("metadata", ["strip", "copyright", "keep"])
@pytest.mark.parametrize("format_", ["webp", "avif"])
def test_a_lost_gain_map_is_named_and_not_announced(format_: str, metadata: str, iso: bool) -> None:
    result = compressed(an_ultra_hdr_jpeg(iso=iso, more_xmp=CREATOR), format=format_, metadata=metadata)

    assert result.data is not None
    assert result.lost == "gain_map"
    for announcement in ANNOUNCEMENTS:
        assert announcement not in result.data
    if metadata == "keep" and not iso:
        assert b"dc:format" in result.data


def test_a_damaged_gain_map_is_dropped() -> None:
    original = an_ultra_hdr_jpeg()

    result = compressed(original[:-600])

    assert result.data is not None
    assert result.lost == "gain_map"
    assert b"hdrgm" not in result.data


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


def test_the_gain_map_does_not_disturb_the_comparison_of_a_large_picture() -> None:
    picture = a_picture(size=(1200, 1000))

    plain, bright = (
        compressed(data, mode="quality", percent=80)
        for data in (encoded(picture, "JPEG", quality=95), an_ultra_hdr_jpeg(picture))
    )

    assert bright.lost is None
    assert bright.ssim == pytest.approx(plain.ssim, abs=0.02)
