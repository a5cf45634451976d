"""WebP: like JPEG, with alpha; animations are left alone."""

import io

import pytest
from PIL import ImageChops

from services.compressor.compress import compress
from services.compressor.encoders import encode_webp
from services.compressor.opening.open_picture import open_picture
from tests.unit.compressor.make import COPYRIGHT, MAX_PIXELS, SRGB, a_picture, an_exif, decoded, encoded


@pytest.mark.parametrize("percent", [20, 50, 80])
def test_is_at_most_the_percentage_and_the_next_quality_would_not_be(percent: int) -> None:
    original = encoded(a_picture(size=(320, 240)), "WEBP", quality=95)

    result = compress(original, percent, MAX_PIXELS)

    limit = len(original) * percent // 100
    assert result.data is not None
    assert result.quality is not None
    assert len(result.data) <= limit < len(encode_webp(open_picture(original, MAX_PIXELS), result.quality + 1))
    assert result.target_met
    assert (result.format, result.content_type, result.extension) == ("webp", "image/webp", "webp")
    assert decoded(result.data).format == "WEBP"
    assert decoded(result.data).size == (result.width, result.height) == (320, 240)
    assert 2 <= result.encodes <= 8


@pytest.mark.parametrize("lossless", [True, False])
def test_alpha_stays_exactly_as_it_was(lossless: bool) -> None:
    original = encoded(a_picture("RGBA"), "WEBP", lossless=lossless)

    result = compress(original, 80, MAX_PIXELS)

    assert result.data is not None
    picture = decoded(result.data)
    assert picture.mode == "RGBA"
    assert not ImageChops.difference(picture.getchannel("A"), decoded(original).getchannel("A")).getbbox()


def test_is_turned_upright_and_keeps_of_its_metadata_the_icc_profile() -> None:
    original = encoded(a_picture(size=(320, 240)), "WEBP", exif=an_exif(6), icc_profile=SRGB, xmp=b"<x/>")
    assert decoded(original).getexif()[COPYRIGHT] == "somebody"

    result = compress(original, 80, MAX_PIXELS)

    assert result.data is not None
    picture = decoded(result.data)
    assert picture.size == (result.width, result.height) == (240, 320)
    assert picture.info["icc_profile"] == SRGB
    assert not picture.getexif()
    assert "xmp" not in picture.info


def test_an_animation_keeps_its_frames() -> None:
    out = io.BytesIO()
    a_picture().save(out, "WEBP", save_all=True, append_images=[a_picture(seed=1), a_picture(seed=2)], quality=95)

    result = compress(out.getvalue(), 50, MAX_PIXELS)

    assert result.data is None
    assert (result.action, result.target_met, result.encodes) == ("kept_original", False, 0)
    assert (result.format, result.width, result.height) == ("webp", 160, 120)


def test_delivers_the_original_where_nothing_smaller_can_be_made() -> None:
    smaller: bytes | None = encoded(a_picture(noise=0, size=(4, 4)), "WEBP", quality=0)
    originals = []
    while smaller is not None:
        originals.append(smaller)
        smaller = compress(smaller, 50, MAX_PIXELS).data

    assert compress(originals[-1], 50, MAX_PIXELS).action == "kept_original"
    assert [len(original) for original in originals] == sorted({len(original) for original in originals}, reverse=True)
