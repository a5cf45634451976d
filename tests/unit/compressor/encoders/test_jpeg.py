"""JPEG through the whole compressor: the highest quality that fits, found in few encodes."""

import io
from functools import partial
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat
from PIL.JpegImagePlugin import get_sampling

from services.compressor.compress import Compressed, compress
from services.compressor.decoders import open_picture
from services.compressor.encoders.jpeg import jpeg_ladder
from shared.contracts.messages import CompressOptions
from tests.support.compressing import COPYRIGHT, MAX_PIXELS, SRGB, WIDE_PROFILE, a_picture, an_exif, decoded, encoded
from tests.support.pictures import a_photo

FULL, HALVED = 0, 2  # as Pillow numbers them


def compressed(original: bytes, **options: Any) -> tuple[Compressed, bytes]:
    """The result and its bytes. The result must be smaller than the original."""
    result = compress(original, CompressOptions(**options), MAX_PIXELS)
    assert result.action == "compressed"
    assert result.data is not None
    return result, result.data


def mean_difference(one: Image.Image, other: Image.Image) -> float:
    """Per pixel and band, of 255."""
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


@pytest.mark.parametrize("percent", [20, 50, 80])
@pytest.mark.parametrize("quality", [60, 75, 85, 95])
def test_the_result_fills_the_limit_or_the_next_quality_would_not_fit(percent: int, quality: int) -> None:
    original = encoded(a_picture(size=(320, 240), noise=40), "JPEG", quality=quality)

    result, data = compressed(original, percent=percent, min_quality=1)

    limit = len(original) * percent // 100
    assert result.quality is not None
    assert result.target_met
    assert len(data) <= limit
    if len(data) < 0.85 * limit:
        fresh_ladder = jpeg_ladder(open_picture(original, MAX_PIXELS), len(original))
        fresh_ladder.expected_sizes(limit)
        assert len(fresh_ladder.encode(result.quality + 1)) > limit


@pytest.mark.parametrize("save", [{}, {"quality": 75}, {"progressive": True}, {"optimize": True}, {"subsampling": 0}])
@pytest.mark.parametrize("seed", range(3))
def test_a_photograph_fills_the_limit_in_few_encodes(seed: int, save: dict[str, Any]) -> None:
    original = a_photo(seed, 640, 480, **save)

    result, data = compressed(original)

    assert result.encodes <= 3
    assert 0.85 * len(original) <= 2 * len(data) <= len(original)
    assert (result.width, result.height) == (640, 480)


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_colours_and_mode_are_kept(mode: str) -> None:
    original = encoded(a_picture(mode, (320, 240)), "JPEG", quality=95)

    _, data = compressed(original)

    assert decoded(data).mode == mode
    assert mean_difference(decoded(data), decoded(original)) < 6


def test_cmyk_becomes_rgb() -> None:
    original = encoded(a_picture("CMYK", (320, 240)), "JPEG", quality=95)

    _, data = compressed(original)

    assert decoded(data).mode == "RGB"
    assert mean_difference(decoded(data), decoded(original)) < 6


def lettering() -> bytes:
    picture = Image.new("RGB", (320, 240), "white")
    drawing = ImageDraw.Draw(picture)
    for row in range(24):
        drawing.text((2, 10 * row), "Sale! -50 % " * 6, fill="red")
    return encoded(picture, "JPEG", quality=95, subsampling=FULL)


@pytest.mark.parametrize(
    ("original", "sampling"),
    [
        (lettering(), FULL),
        (encoded(decoded(lettering()), "JPEG", quality=95, subsampling=HALVED), HALVED),
        (a_photo(1, subsampling=FULL), HALVED),
    ],
    ids=["red lettering", "red lettering that was halved before", "photograph"],
)
def test_chroma_subsampling_depends_on_the_picture(original: bytes, sampling: int) -> None:
    _, data = compressed(original)

    assert get_sampling(decoded(data)) == sampling


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied(orientation: int) -> None:
    original = encoded(a_picture(), "JPEG", exif=an_exif(orientation))

    result, data = compressed(original, percent=80)

    # Spelled out, so that the test does not use the table under test.
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
    assert (result.width, result.height) == decoded(data).size == shown.size
    assert (result.original_width, result.original_height) == shown.size
    assert mean_difference(decoded(data), shown) < 4


def test_metadata_and_an_srgb_profile_are_removed() -> None:
    original = encoded(a_picture(size=(320, 240)), "JPEG", exif=an_exif(1), comment="secret", icc_profile=SRGB)
    assert decoded(original).getexif()[COPYRIGHT] == "somebody"

    _, data = compressed(original)

    assert set(decoded(data).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
    assert not decoded(data).getexif()


@pytest.mark.parametrize("profile", [WIDE_PROFILE, WIDE_PROFILE + bytes(range(256)) * 400], ids=["small", "large"])
def test_a_wide_gamut_profile_is_kept_byte_for_byte(profile: bytes) -> None:
    """Also if it needs several segments."""
    original = encoded(a_picture(size=(800, 600), noise=120), "JPEG", quality=95, icc_profile=profile)

    _, data = compressed(original, percent=70)

    assert decoded(data).info["icc_profile"] == profile


def test_only_the_first_picture_of_a_multi_picture_jpeg_is_compressed() -> None:
    out = io.BytesIO()
    a_picture().save(out, "MPO", save_all=True, append_images=[a_picture("L", (32, 32))], quality=92)
    assert decoded(out.getvalue()).format == "MPO"

    result, data = compressed(out.getvalue())

    assert (result.format, decoded(data).format, decoded(data).size) == ("jpeg", "JPEG", (160, 120))


def test_broken_exif_is_ignored() -> None:
    original = encoded(a_picture(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xee" * 30)

    _, data = compressed(original)

    assert decoded(data).size == (160, 120)


tiny = partial(encoded, Image.new("L", (16, 8)), "JPEG", quality=1, optimize=True)


def test_the_original_is_kept_if_nothing_is_smaller() -> None:
    result = compress(tiny(), CompressOptions(), MAX_PIXELS)

    assert result.data is None
    assert (result.action, result.quality, result.target_met, result.ssim) == ("kept_original", None, False, 1.0)
    assert (result.format, result.content_type, result.extension) == ("jpeg", "image/jpeg", "jpg")
    assert (result.width, result.height) == (16, 8)


def test_the_dimensions_of_a_kept_original_are_upright() -> None:
    quarter_turn = tiny(exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")

    result = compress(quarter_turn, CompressOptions(mode="quality", percent=95, metadata="keep"), MAX_PIXELS)

    assert (result.width, result.height) == (8, 16)


class TestMinQuality:
    """An original that does not fit at the lowest allowed quality."""

    original = encoded(a_picture(size=(320, 240), noise=120), "JPEG", quality=50)

    def test_the_result_exceeds_the_target_if_scaling_is_not_allowed(self) -> None:
        result, data = compressed(self.original, percent=30, min_quality=40, allow_resize=False)

        assert (result.target_met, result.quality) == (False, 40)
        assert 100 * len(data) > 30 * len(self.original)
        assert decoded(data).size == (320, 240)

    def test_the_result_is_scaled_down_if_allowed(self) -> None:
        result, data = compressed(self.original, percent=30, min_quality=40)

        assert result.target_met
        assert 100 * len(data) <= 30 * len(self.original)
        assert result.quality is not None
        assert result.quality >= 40
        width, height = decoded(data).size
        assert 80 < width == result.width < 320
        assert width / height == pytest.approx(320 / 240, rel=0.02)
        assert (result.original_width, result.original_height) == (320, 240)

    def test_a_scaled_result_fills_the_limit(self) -> None:
        result, data = compressed(self.original, percent=30, min_quality=40)

        assert 100 * len(data) >= 0.8 * 30 * len(self.original)
        assert result.encodes <= 8


@pytest.mark.parametrize("allow_resize", [True, False])
def test_a_profile_larger_than_the_target_does_not_cause_scaling(allow_resize: bool) -> None:
    original = encoded(a_picture(), "JPEG", icc_profile=WIDE_PROFILE + bytes(50_000))

    result, data = compressed(original, allow_resize=allow_resize)

    assert not result.target_met
    assert len(original) // 2 < len(data) < len(original)
    assert result.quality == 30
    assert decoded(data).size == (160, 120)
    assert decoded(data).info["icc_profile"] == WIDE_PROFILE + bytes(50_000)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 7), (3000, 20), (17, 33)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("allow_resize", [True, False])
def test_noise_in_unusual_sizes_is_encoded(size: tuple[int, int], mode: str, allow_resize: bool) -> None:
    """Pillow's own buffer would be too small for these."""
    original = encoded(a_picture(mode, size, noise=255), "JPEG", quality=100, subsampling=0)

    result = compress(original, CompressOptions(percent=90, allow_resize=allow_resize), MAX_PIXELS)

    assert result.data is None or decoded(result.data).size == (result.width, result.height) == size
    assert result.data is None or len(result.data) < len(original)


def test_compression_is_deterministic() -> None:
    original = encoded(a_picture(), "JPEG")

    assert compress(original, CompressOptions(), MAX_PIXELS) == compress(original, CompressOptions(), MAX_PIXELS)
