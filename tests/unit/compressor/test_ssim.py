"""SSIM orders pictures by similarity, and the sampled form agrees with the textbook formula."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from services.compressor.compress import compress
from services.compressor.ssim import ssim
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, a_picture, decoded, encoded, lettering
from tests.support.pictures import a_photo

SIZE = (160, 120)


def png(picture: Image.Image) -> bytes:
    return encoded(picture, "PNG")


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
@pytest.mark.parametrize("size", [(8, 8), (9, 31), (160, 120), (1500, 400)])
def test_equal_pictures_have_ssim_1(mode: str, size: tuple[int, int]) -> None:
    picture = a_picture(mode, size)

    assert ssim(picture, png(picture)) == 1.0


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (1, 500), (500, 7)])
def test_a_picture_smaller_than_a_window_is_not_measured(size: tuple[int, int]) -> None:
    picture = a_picture("RGB", size)

    assert ssim(picture, png(picture)) is None


def test_ssim_falls_with_quality() -> None:
    picture = a_picture("L", size=(320, 240), noise=60)

    measured = [ssim(picture, encoded(picture, "JPEG", quality=quality)) or 0.0 for quality in (95, 75, 50, 20, 5)]

    assert measured == sorted(measured, reverse=True)
    assert measured[0] > 0.98
    assert measured[-1] < measured[0] - 0.1


def test_unrelated_noise_has_low_ssim() -> None:
    assert abs(ssim(a_picture(noise=255, seed=1), png(a_picture(noise=255, seed=5))) or 1.0) < 0.5


def test_an_inverted_picture_has_negative_ssim() -> None:
    stripes = Image.fromarray(np.tile(np.array([0, 255] * 8, dtype=np.uint8), (16, 1)))

    assert (ssim(stripes, png(stripes.point(lambda value: 255 - value))) or 1.0) < -0.9


@pytest.mark.parametrize("turned", [(False, True, True), (True, True, True)])
@pytest.mark.parametrize("colours", [((230, 0, 0), (40, 0, 0)), ((230, 60, 60), (0, 120, 120))])
def test_opposite_hues_are_not_similar(colours: tuple[tuple[int, ...], ...], turned: tuple[bool, ...]) -> None:
    """Two negative factors must not make a positive one. turned: which of Y, Cb and Cr become their opposite."""
    stripes = Image.fromarray(np.tile(np.array([colours[0]] * 3 + [colours[1]] * 3, np.uint8), (60, 10, 1)))
    bands = stripes.convert("YCbCr").split()
    opposite = [ImageOps.invert(band) if turn else band for band, turn in zip(bands, turned, strict=True)]

    measured = ssim(stripes, png(Image.merge("YCbCr", opposite).convert("RGB")))

    assert measured is not None
    assert measured < 0.1


@given(
    st.sampled_from(["L", "LA", "RGB", "RGBA", "P"]),
    st.tuples(st.integers(8, 70), st.integers(8, 70)),
    st.integers(0, 255),
    st.integers(0, 255),
)
@settings(max_examples=30, deadline=None)
def test_ssim_is_between_minus_one_and_one(mode: str, size: tuple[int, int], noise: int, other: int) -> None:
    measured = ssim(a_picture(mode, size, noise), png(a_picture("RGB", size, other, seed=4)))

    assert measured is not None
    assert -1 <= measured <= 1


def test_transparent_pixels_count_as_white() -> None:
    transparent = Image.new("RGBA", SIZE, (200, 30, 30, 0))

    assert ssim(transparent, png(Image.new("RGB", SIZE, "white"))) == 1.0
    assert (ssim(transparent, png(Image.new("RGB", SIZE, "black"))) or 1.0) < 0.01


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "AVIF", "TIFF", "GIF"])
def test_results_of_every_format_are_decoded(file_format: str) -> None:
    picture = a_picture("L").convert("RGB")

    assert (ssim(picture, encoded(picture, file_format)) or 0.0) > 0.9


def test_the_bands_of_a_large_picture_represent_all_of_it() -> None:
    """The picture is uniform, so the position of the bands does not matter."""
    noise = np.random.default_rng(0).integers(80, 176, (900, 1200), dtype=np.uint8)
    large = Image.fromarray(noise)
    blurred = large.filter(ImageFilter.GaussianBlur(1))
    part = (0, 0, 400, 300)

    whole_ssim, part_ssim = ssim(large, png(blurred)), ssim(large.crop(part), png(blurred.crop(part)))

    assert whole_ssim is not None
    assert whole_ssim == pytest.approx(part_ssim, abs=0.02)


def test_ssim_agrees_with_the_published_formula() -> None:
    """Wang et al. 2004, equation 13, over each window of 8 x 8 at every fourth pixel."""
    one = np.asarray(a_picture("L", (44, 36), noise=80)).astype(float)
    other = np.asarray(a_picture("L", (44, 36), noise=80).filter(ImageFilter.GaussianBlur(1))).astype(float)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for top in range(0, 36 - 7, 4):
        for left in range(0, 44 - 7, 4):
            x, y = (plane[top : top + 8, left : left + 8].ravel() for plane in (one, other))
            covariance = np.cov(x, y)
            values.append(
                (2 * x.mean() * y.mean() + c1)
                * (2 * covariance[0, 1] + c2)
                / ((x.mean() ** 2 + y.mean() ** 2 + c1) * (covariance[0, 0] + covariance[1, 1] + c2))
            )

    measured = ssim(Image.fromarray(one.astype(np.uint8)), png(Image.fromarray(other.astype(np.uint8))))

    assert measured == pytest.approx(np.mean(values), abs=1e-4)


def a_coloured_photo(width: int = 320, height: int = 240) -> Image.Image:
    return decoded(a_photo(1, width, height, "PNG")).convert("RGB")


def test_a_grey_result_of_a_coloured_original_is_not_alike() -> None:
    photo = a_coloured_photo()

    assert (ssim(photo, png(photo.convert("L"))) or 1.0) < 0.7
    assert (ssim(photo, encoded(photo.convert("L"), "JPEG", quality=95)) or 1.0) < 0.7


def test_swapped_channels_are_not_alike() -> None:
    photo = a_coloured_photo()
    red, green, blue = photo.split()

    assert (ssim(photo, png(Image.merge("RGB", (blue, green, red)))) or 1.0) < 0.7


def test_the_lost_colour_of_a_small_object_shows() -> None:
    """A product on white: luminance alone says 1.0."""
    product = Image.new("RGB", (400, 400), "white")
    product.paste((190, 60, 50), (150, 150, 250, 250))
    grey = product.convert("L").convert("RGB")

    assert (ssim(product.convert("L"), png(grey)) or 0.0) == 1.0
    assert (ssim(product, png(grey)) or 1.0) < 0.95


def test_ssim_falls_with_saturation() -> None:
    photo = a_coloured_photo()

    measured = [ssim(photo, png(ImageEnhance.Color(photo).enhance(part))) or 0.0 for part in (1, 0.9, 0.7, 0.4, 0)]

    assert measured == sorted(measured, reverse=True)
    assert measured[1] > 0.98


@pytest.mark.parametrize(("colour", "background"), [("red", "white"), ("blue", "yellow"), ("red", "blue")])
def test_coloured_lettering_that_halved_chrominance_smears_is_not_alike(colour: str, background: str) -> None:
    picture = lettering(colour, background)

    halved, full = (
        ssim(picture, encoded(picture, "JPEG", quality=95, subsampling=each)) for each in ("4:2:0", "4:4:4")
    )

    assert halved is not None
    assert full is not None
    assert halved < 0.9
    assert full > 0.97


def test_halved_chrominance_of_a_photograph_hardly_counts() -> None:
    photo = a_coloured_photo()

    halved, full = (ssim(photo, encoded(photo, "JPEG", quality=90, subsampling=each)) for each in ("4:2:0", "4:4:4"))

    assert halved == pytest.approx(full, abs=0.005)


def test_colour_that_a_grey_original_does_not_have_shows() -> None:
    grey = a_picture("L")

    assert (ssim(grey, png(Image.merge("RGB", (grey, grey, grey.point(lambda value: value // 2))))) or 1.0) < 0.9


def test_the_parts_that_are_decoded_of_a_large_jpeg_have_the_ssim_of_the_whole() -> None:
    photo = a_coloured_photo(1100, 900)
    original = encoded(photo, "JPEG", quality=97)
    result = compress(original, CompressOptions(), MAX_PIXELS).data
    assert result is not None
    assert b"\xff\xdd" in result, "it has restart markers"

    in_parts = ssim(decoded(original), result)

    assert in_parts == pytest.approx(ssim(decoded(original), png(decoded(result))), abs=2e-4)
