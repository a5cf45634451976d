"""Modes "quality" and "dimensions", and the maximum width and height in every mode."""

from typing import Any

import pytest
from PIL import Image

from services.compressor import rendition
from services.compressor.compress import Compressed, compress
from services.compressor.decoders import open_picture
from services.compressor.encoders.jpeg.quantisation import estimate_quality
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, a_picture, decoded, encoded
from tests.support.pictures import a_photo
from tests.zoo import ANIMATED, specimen

FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP"]


def an_original(file_format: str, size: tuple[int, int] = (160, 120)) -> bytes:
    """Weakly compressed, so that there is something to gain."""
    save: dict[str, Any] = {"WEBP": {"quality": 98}, "AVIF": {"quality": 98}, "PNG": {"compress_level": 0}}.get(
        file_format, {}
    )
    return encoded(a_picture(size=size, noise=40), file_format, **save)


def compressed(original: bytes, **options: Any) -> Compressed:
    return compress(original, CompressOptions(**options), MAX_PIXELS)


def picture_of(result: Compressed) -> Image.Image:
    assert result.data is not None
    picture = decoded(result.data)
    assert picture.size == (result.width, result.height)
    return picture


class TestDimensions:
    @pytest.mark.parametrize("file_format", FORMATS)
    @pytest.mark.parametrize(("percent", "size"), [(50, (80, 60)), (33, (53, 40)), (99, (158, 119)), (1, (2, 1))])
    def test_the_dimensions_are_exact(self, percent: int, size: tuple[int, int], file_format: str) -> None:
        original = an_original(file_format)

        result = compressed(original, mode="dimensions", percent=percent)

        assert picture_of(result).size == size
        assert (result.original_width, result.original_height) == (160, 120)
        assert (result.action, result.target_met) == ("compressed", True)
        assert result.data is not None
        assert len(result.data) < len(original)

    @pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 7), (3, 2)])
    def test_a_tiny_picture_keeps_at_least_one_pixel_per_side(self, size: tuple[int, int]) -> None:
        result = compressed(encoded(a_picture(size=size), "JPEG"), mode="dimensions", percent=10)

        assert result.data is None or min(picture_of(result).size) >= 1
        assert result.data is not None or (result.width, result.height) == size

    @pytest.mark.parametrize("quality", [92, 60, 30])
    def test_a_jpeg_gets_quality_85_or_the_originals(self, quality: int) -> None:
        original = a_photo(3, 320, 240, quality=quality)
        source = open_picture(original, MAX_PIXELS).jpeg
        assert source is not None

        result = compressed(original, mode="dimensions", percent=50)

        assert result.quality == min(85, estimate_quality(source.tables[0]))
        assert result.encodes == 1

    def test_quality_is_lowered_before_the_result_exceeds_the_original(self) -> None:
        original = encoded(a_picture(size=(320, 240)).quantize(8, dither=Image.Dither.NONE), "PNG", optimize=True)

        result = compressed(original, mode="dimensions", percent=90, format="jpeg")

        assert picture_of(result).size == (288, 216)
        assert result.data is not None
        assert len(result.data) < len(original)
        assert result.quality is not None
        assert result.quality < 85
        assert result.encodes >= 2

    @pytest.mark.parametrize("name", ANIMATED)
    def test_all_frames_of_an_animation_are_scaled(self, name: str) -> None:
        result = compressed(specimen(name).data, mode="dimensions", percent=50)

        if result.data is None:  # a few flat patches: scaling blurs their edges, which costs bytes
            assert name == "png animated with partial frames"
            return
        frames = len(specimen(name).milliseconds)
        assert getattr(picture_of(result), "n_frames", 1) == frames
        assert picture_of(result).size == (32, 24)


class TestQuality:
    @pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "AVIF"])
    @pytest.mark.parametrize("percent", [10, 50, 80])
    def test_the_requested_quality_takes_one_encode(self, percent: int, file_format: str) -> None:
        result = compressed(an_original(file_format), mode="quality", percent=percent)

        assert result.quality == percent
        assert (result.encodes, result.target_met) == (1, True)
        assert picture_of(result).size == (160, 120)

    def test_quality_is_limited_to_95(self) -> None:
        assert compressed(a_photo(3, quality=100), mode="quality", percent=99).quality == 95

    def test_min_quality_does_not_limit_the_requested_quality(self) -> None:
        assert compressed(a_photo(3), mode="quality", percent=5, min_quality=90).quality == 5

    @pytest.mark.parametrize("file_format", ["PNG", "GIF", "BMP"])
    def test_a_format_without_quality_gets_a_number_of_colours(self, file_format: str) -> None:
        original = an_original(file_format)

        few = compressed(original, mode="quality", percent=5)

        assert few.quality is None
        assert few.target_met
        many = compressed(original, mode="quality", percent=90)
        assert len(few.data or original) < len(many.data or original)
        assert colours_of(few, original) < colours_of(many, original)

    def test_an_original_of_lower_quality_is_kept(self) -> None:
        result = compressed(a_photo(3, quality=10, optimize=True), mode="quality", percent=90)

        assert (result.action, result.quality, result.target_met) == ("kept_original", None, True)


def colours_of(result: Compressed, original: bytes) -> int:
    return len(decoded(result.data or original).convert("RGBA").getcolors(1 << 20) or ())


class TestMaximumSize:
    @pytest.mark.parametrize("mode", ["size", "quality", "dimensions"])
    @pytest.mark.parametrize(
        ("box", "size"),
        [
            ({"max_width": 80}, (80, 60)),
            ({"max_height": 30}, (40, 30)),
            ({"max_width": 100, "max_height": 30}, (40, 30)),
            ({"max_width": 33}, (33, 25)),
            ({"max_width": 1}, (1, 1)),
        ],
    )
    def test_a_larger_picture_is_scaled_down_to_fit_inside(
        self, box: dict[str, int], size: tuple[int, int], mode: str
    ) -> None:
        result = compressed(an_original("JPEG"), mode=mode, percent=90, **box)

        assert picture_of(result).size == size
        assert result.target_met

    @pytest.mark.parametrize("mode", ["size", "quality"])
    def test_no_picture_is_enlarged(self, mode: str) -> None:
        result = compressed(an_original("JPEG"), mode=mode, max_width=65535, max_height=65535)

        assert picture_of(result).size == (160, 120)

    def test_the_maximum_width_applies_to_the_upright_picture(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6

        result = compressed(encoded(a_picture(), "JPEG", exif=exif), max_width=60)

        assert picture_of(result).size == (60, 80)
        assert (result.original_width, result.original_height) == (120, 160)

    def test_percent_and_maximum_size_both_apply(self) -> None:
        original = an_original("JPEG")

        assert picture_of(compressed(original, mode="dimensions", percent=50, max_width=100)).size == (80, 60)
        assert picture_of(compressed(original, mode="dimensions", percent=50, max_width=40)).size == (40, 30)

    @pytest.mark.parametrize("file_format", FORMATS)
    def test_the_maximum_width_applies_in_every_format(self, file_format: str) -> None:
        assert picture_of(compressed(an_original(file_format), max_width=64)).size[0] <= 64

    def test_scaling_may_reach_the_target_at_high_quality(self) -> None:
        result = compressed(an_original("JPEG", (320, 240)), max_width=80)

        assert result.quality is not None
        assert result.quality >= 90


@pytest.mark.parametrize("wanted", ["keep", "webp"])
def test_an_animation_with_too_many_pixels_is_delivered_unchanged(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendition, "MAX_ANIMATION_PIXELS", 3 * 48 * 40 - 1)
    frames = [a_picture("P", (48, 40), seed=seed) for seed in range(3)]
    original = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)

    result = compress(original, CompressOptions.model_validate({"format": wanted}), MAX_PIXELS)

    assert result.action == "kept_original"
    assert result.format == "gif"
    assert not result.target_met
