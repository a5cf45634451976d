"""PNG: lossless if that is enough, else fewer colours; alpha is kept."""

import zlib

import pytest
from PIL import Image, ImageChops, ImageStat

from services.compressor.compress import Compressed, compress
from services.compressor.decoders import Picture
from services.compressor.encoders.png import png_file
from shared.contracts.messages import CompressOptions
from tests.support.compressing import (
    COPYRIGHT,
    GREY_PROFILE,
    MAX_PIXELS,
    WIDE_PROFILE,
    a_picture,
    an_exif,
    decoded,
    encoded,
)


def chunks(png: bytes) -> dict[bytes, bytes]:
    found, at = {}, 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        found[png[at + 4 : at + 8]] = png[at + 8 : at + 8 + length]
        at += 12 + length
    return found


def with_chunk(png: bytes, name: bytes, data: bytes) -> bytes:
    """The PNG with another chunk after its header."""
    chunk = len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")
    return png[:33] + chunk + png[33:]


def visible_pixels(image: Image.Image) -> bytes:
    """The pixels without the colour of fully transparent ones."""
    return image.tobytes() if image.mode == "I;16" else image.convert("RGBA").convert("RGBa").tobytes()


def compressed(original: bytes, percent: int = 50) -> Compressed:
    """Compressed by reducing colours only, without scaling."""
    return compress(original, CompressOptions(percent=percent, min_quality=1, allow_resize=False), MAX_PIXELS)


def test_the_result_is_lossless_if_that_fits() -> None:
    original = encoded(a_picture(noise=0), "PNG", compress_level=0)

    result = compressed(original, 50)

    assert result.data is not None
    assert len(result.data) <= len(original) // 2
    assert not ImageChops.difference(decoded(result.data), decoded(original)).getbbox()
    assert (result.action, result.quality, result.target_met, result.encodes) == ("compressed", None, True, 1)
    assert (result.format, result.content_type, result.extension) == ("png", "image/png", "png")


@pytest.mark.parametrize("percent", [10, 25, 50])
def test_the_result_has_as_many_colours_as_fit(percent: int) -> None:
    original = encoded(a_picture(size=(320, 240), noise=40), "PNG")

    result = compressed(original, percent)

    assert result.data is not None
    assert result.target_met
    assert len(original) * percent // 400 < len(result.data) <= len(original) * percent // 100
    picture = decoded(result.data)
    assert (picture.format, picture.mode, picture.size) == ("PNG", "P", (320, 240))
    assert result.quality is None


def test_a_larger_limit_gives_a_smaller_error() -> None:
    source = a_picture(size=(320, 240), noise=40)
    original = encoded(source, "PNG")

    def error(percent: int) -> float:
        data = compressed(original, percent).data
        assert data is not None
        return float(sum(ImageStat.Stat(ImageChops.difference(decoded(data).convert("RGB"), source)).mean))

    assert error(40) < error(20) < error(8)


@pytest.mark.parametrize("percent", [10, 30, 60])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_opaque_and_transparent_pixels_stay_so(mode: str, percent: int) -> None:
    source = a_picture(mode, (320, 240), noise=40)

    result = compressed(encoded(source, "PNG"), percent)

    assert result.data is not None
    before, after = source.getchannel("A"), decoded(result.data).convert("RGBA").getchannel("A")
    for level in (0, 255):
        at_level = before.point(lambda value, level=level: 255 * (value == level))
        assert ImageStat.Stat(after, at_level).extrema == [(level, level)]
    assert ImageStat.Stat(ImageChops.difference(before, after)).mean[0] < 16


def test_pixels_of_the_colour_key_stay_transparent() -> None:
    source = a_picture(noise=60)
    source.paste((1, 2, 3), (10, 10, 60, 60))

    result = compressed(encoded(source, "PNG", transparency=(1, 2, 3)), 40)

    assert result.data is not None
    alpha = decoded(result.data).convert("RGBA").getchannel("A")
    assert alpha.crop((10, 10, 60, 60)).getextrema() == (0, 0)
    assert alpha.histogram()[255] == 160 * 120 - 50 * 50


@pytest.mark.parametrize("percent", [30, 90])
def test_a_palette_picture_keeps_its_transparency(percent: int) -> None:
    source = a_picture("RGBA", noise=40).quantize(200)
    original = encoded(source, "PNG", compress_level=1)
    assert decoded(original).mode == "P"

    result = compressed(original, percent)

    assert result.data is not None
    before, after = (decoded(png).convert("RGBA").getchannel("A") for png in (original, result.data))
    transparent = before.point(lambda value: 255 * (value == 0))
    assert ImageStat.Stat(after, transparent).extrema == [(0, 0)]
    assert ImageStat.Stat(ImageChops.difference(before, after)).mean[0] < 24


def test_fully_opaque_alpha_is_dropped() -> None:
    source = a_picture("RGB", noise=60)
    opaque = source.copy()
    opaque.putalpha(255)

    result = compressed(encoded(opaque, "PNG"), 99)

    assert result.data is not None
    assert not ImageChops.difference(decoded(result.data).convert("RGB"), source).getbbox()


@pytest.mark.parametrize("percent", [20, 40, 99])
def test_16_bit_grey_keeps_its_levels(percent: int) -> None:
    source = a_picture("I;16", noise=60)

    result = compressed(encoded(source, "PNG", compress_level=1), percent)

    assert result.data is not None
    picture = decoded(result.data)
    light = source.point(lambda value: value / 256).convert("L")
    shown = picture.point(lambda value: value / 256).convert("L") if picture.mode == "I;16" else picture.convert("L")
    assert ImageStat.Stat(ImageChops.difference(shown, light)).mean[0] < 16


def test_between_256_colours_and_lossless_is_coarser_true_colour() -> None:
    source = a_picture(noise=120)
    options = CompressOptions(mode="quality", percent=75)

    result = compress(encoded(source, "PNG"), options, MAX_PIXELS)

    assert result.data is not None
    picture = decoded(result.data)
    assert picture.mode == "RGB"
    assert max(high for _, high in ImageStat.Stat(ImageChops.difference(picture, source)).extrema) <= 4


def test_a_high_quality_is_lossless() -> None:
    source = a_picture(noise=40)
    options = CompressOptions(mode="quality", percent=85)

    result = compress(encoded(source, "PNG", compress_level=1), options, MAX_PIXELS)

    assert result.data is not None
    assert decoded(result.data).tobytes() == source.tobytes()


def test_1_bit_pictures_are_lossless_or_kept() -> None:
    source = a_picture("L", noise=60).convert("1")

    assert decoded(compressed(encoded(source, "PNG", compress_level=0), 99).data or b"").mode == "1"
    assert not compressed(encoded(source, "PNG", optimize=True), 1).target_met


def test_the_picture_is_rotated_upright_and_keeps_only_its_profile() -> None:
    original = encoded(a_picture(noise=60), "PNG", exif=an_exif(8), icc_profile=WIDE_PROFILE, dpi=(300, 300))
    original = with_chunk(original, b"tEXt", b"Author\0somebody")
    assert decoded(original).getexif()[COPYRIGHT] == "somebody"

    result = compressed(original, 60)

    assert result.data is not None
    picture = decoded(result.data)
    assert picture.size == (result.width, result.height) == (120, 160)
    assert picture.info.keys() <= {"icc_profile", "transparency"}
    assert picture.info["icc_profile"] == WIDE_PROFILE


def test_a_grey_profile_is_never_written_into_a_palette_png() -> None:
    original = encoded(a_picture("L", (320, 240), noise=60), "PNG", icc_profile=GREY_PROFILE)

    result = compressed(original, 50)

    assert result.data is not None
    assert result.target_met
    picture = decoded(result.data)
    assert (picture.mode, picture.info["icc_profile"]) == ("L", GREY_PROFILE)


def test_colour_chunks_are_kept() -> None:
    gamma = (100_000).to_bytes(4, "big")
    original = with_chunk(encoded(a_picture(noise=60), "PNG"), b"gAMA", gamma)

    result = compressed(original, 50)

    assert result.data is not None
    assert chunks(result.data)[b"gAMA"] == gamma


def test_the_original_is_kept_if_nothing_is_smaller() -> None:
    result = compressed(encoded(Image.new("1", (1, 1)), "PNG", optimize=True), 50)

    assert result.data is None
    assert (result.action, result.target_met) == ("kept_original", False)


def test_the_smallest_file_is_delivered_if_the_target_cannot_be_met() -> None:
    source = a_picture(noise=255)

    result = compressed(encoded(source, "PNG"), 1)

    assert result.data is not None
    assert (result.action, result.target_met) == ("compressed", False)
    assert decoded(result.data).size == source.size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("max_bytes", [0, 10**9])
def test_oxipng_and_pillow_write_lossless(mode: str, max_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow writes the pictures for which oxipng needs too much memory."""
    monkeypatch.setattr(png_file, "_HUGE_BYTES", max_bytes)
    image = a_picture("L").convert("1") if mode == "1" else a_picture(mode)
    exif = an_exif(1).tobytes().removeprefix(b"Exif\0\0")
    picture = Picture(image, "png", icc_profile=None if mode == "I;16" else GREY_PROFILE, exif=exif, xmp=b"<x/>")

    shown = decoded(png_file.write_png(picture, image))

    assert visible_pixels(shown) == visible_pixels(image)
    assert shown.getexif()[COPYRIGHT] == "somebody"
    assert shown.info["xmp"] == b"<x/>"
    assert shown.info.get("icc_profile") == picture.icc_profile


def test_a_picture_with_very_many_rows_is_written_by_pillow() -> None:
    """oxipng spends too much time on each row, however short."""
    original = encoded(a_picture("RGB", (2, 40_100)), "PNG")

    result = compress(original, CompressOptions(), MAX_PIXELS)

    assert result.data is not None
    assert decoded(result.data).size == (result.width, result.height)


def test_a_transparent_level_survives_in_pictures_that_pillow_writes() -> None:
    tall = Image.new("1", (8, png_file._MAX_ROWS + 1), 1)
    tall.paste(0, (0, 0, 8, 9))
    tall.info["transparency"] = 255

    written = png_file.write_png(Picture(tall, "png"), tall)

    assert chunks(written)[b"tRNS"] == b"\0\1"
