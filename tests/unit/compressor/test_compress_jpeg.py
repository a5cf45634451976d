"""JPEG: half the bytes at the highest quality that fits; nothing is lost but quality and metadata."""

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from services.compressor.compress import Compressed, compress
from services.compressor.encoders import encode_jpeg
from services.compressor.opening.open_picture import open_picture
from tests.unit.compressor.make import COPYRIGHT, MAX_PIXELS, SRGB, a_picture, an_exif, decoded, encoded


def compressed(original: bytes, percent: int = 50) -> tuple[Compressed, Image.Image]:
    """What became of it, and the picture it is now. Something smaller must have been made."""
    result = compress(original, percent, MAX_PIXELS)
    assert result.action == "compressed"
    assert result.data is not None
    return result, decoded(result.data)


def mean_difference(one: Image.Image, other: Image.Image) -> float:
    """Per pixel and band, of 255."""
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize("percent", [20, 50, 80])
@pytest.mark.parametrize("quality", [75, 85, 95])
def test_is_at_most_the_percentage_and_the_next_quality_would_not_be(percent: int, quality: int) -> None:
    original = encoded(a_picture(size=(320, 240)), "JPEG", quality=quality)

    result, picture = compressed(original, percent)

    limit = len(original) * percent // 100
    assert result.data is not None
    assert result.quality is not None
    assert len(result.data) <= limit < len(encode_jpeg(open_picture(original, MAX_PIXELS), result.quality + 1))
    assert result.target_met
    assert (result.format, result.content_type, result.extension) == ("jpeg", "image/jpeg", "jpg")
    assert picture.format == "JPEG"
    assert (result.width, result.height) == picture.size == (320, 240)
    assert 2 <= result.encodes <= 8


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_keeps_its_colours_and_its_colour_mode(mode: str) -> None:
    original = encoded(a_picture(mode, (320, 240)), "JPEG", quality=95)

    _, picture = compressed(original)

    assert picture.mode == mode
    assert mean_difference(picture, decoded(original)) < 6


@pytest.mark.parametrize("progressive", [True, False])
def test_stays_progressive_or_baseline(progressive: bool) -> None:
    original = encoded(a_picture(), "JPEG", progressive=progressive)

    _, picture = compressed(original)

    assert bool(picture.info.get("progressive")) is progressive


@pytest.mark.parametrize("orientation", range(1, 9))
def test_looks_as_viewers_showed_it(orientation: int) -> None:
    original = encoded(a_picture(), "JPEG", exif=an_exif(orientation))

    result, picture = compressed(original, percent=80)

    # Written out, so that this is not the table under test: where each corner of the stored picture is shown.
    shown = {
        1: lambda image: image,
        2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda image: image.rotate(180),
        4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).rotate(90, expand=True),
        6: lambda image: image.rotate(-90, expand=True),
        7: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).rotate(-90, expand=True),
        8: lambda image: image.rotate(90, expand=True),
    }[orientation](decoded(original))
    assert (result.width, result.height) == picture.size == shown.size
    assert mean_difference(picture, shown) < 4


def test_metadata_goes_but_the_icc_profile_stays_byte_for_byte() -> None:
    original = encoded(a_picture(size=(320, 240)), "JPEG", exif=an_exif(1), comment="secret", icc_profile=SRGB)
    assert decoded(original).getexif()[COPYRIGHT] == "somebody"

    _, picture = compressed(original)

    assert picture.info["icc_profile"] == SRGB
    assert not picture.getexif()
    assert "comment" not in picture.info


def test_a_large_icc_profile_in_several_segments_stays_too() -> None:
    profile = SRGB + bytes(range(256)) * 400
    original = encoded(a_picture(size=(800, 600), noise=120), "JPEG", quality=95, icc_profile=profile)

    _, picture = compressed(original, percent=70)

    assert picture.info["icc_profile"] == profile


def test_only_the_first_picture_of_a_multi_picture_jpeg_counts() -> None:
    out = io.BytesIO()
    a_picture().save(out, "MPO", save_all=True, append_images=[a_picture("L", (32, 32))], quality=92)
    assert decoded(out.getvalue()).format == "MPO"

    result, picture = compressed(out.getvalue())

    assert (result.format, picture.format, picture.size) == ("jpeg", "JPEG", (160, 120))


def test_broken_exif_is_no_reason_to_refuse() -> None:
    _, picture = compressed(encoded(a_picture(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xee" * 30))

    assert picture.size == (160, 120)


def test_delivers_the_original_where_nothing_smaller_can_be_made() -> None:
    original = encoded(Image.new("L", (8, 8)), "JPEG", quality=1, optimize=True)

    result = compress(original, 50, MAX_PIXELS)

    assert result.data is None
    assert (result.action, result.quality, result.target_met) == ("kept_original", None, False)
    assert (result.format, result.width, result.height) == ("jpeg", 8, 8)


def test_a_kept_original_is_as_large_as_viewers_show_it() -> None:
    original = encoded(Image.new("L", (16, 8)), "JPEG", quality=1, optimize=True, exif=b"")
    turned = encoded(Image.new("L", (16, 8)), "JPEG", quality=1, optimize=True, exif=an_exif(6))
    assert compress(original, 50, MAX_PIXELS).data is None

    result = compress(turned, 1, MAX_PIXELS)

    assert (result.width, result.height) == (8, 16)


def test_delivers_the_smallest_where_the_target_cannot_be_met() -> None:
    original = encoded(a_picture(), "JPEG", icc_profile=SRGB + bytes(50_000))

    result, picture = compressed(original)

    assert not result.target_met
    assert result.data is not None
    assert len(original) // 2 < len(result.data) < len(original)
    assert result.quality is not None
    assert result.quality <= 5  # the very lowest need not be the smallest
    assert picture.size == (160, 120)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (3000, 20), (17, 33)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_noise_in_odd_sizes_is_encoded(size: tuple[int, int], mode: str) -> None:
    """Where the buffer that Pillow takes for large enough is not."""
    original = encoded(a_picture(mode, size, noise=255), "JPEG", quality=100, subsampling=0)

    result = compress(original, 90, MAX_PIXELS)

    assert (result.width, result.height) == size
    assert result.data is None or decoded(result.data).size == size


def test_the_same_bytes_give_the_same_result() -> None:
    original = encoded(a_picture(), "JPEG")

    assert compress(original, 50, MAX_PIXELS) == compress(original, 50, MAX_PIXELS)
