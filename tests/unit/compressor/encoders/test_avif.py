"""AVIF: lossy with alpha, still and animated."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image, ImageStat

from services.compressor.compress import compress
from services.compressor.decoders import Animation, Frame, JpegSource, Picture
from services.compressor.encoders.avif import avif_ladder
from services.compressor.rate_control.ladder import QUALITIES
from shared.contracts.messages import CompressOptions
from tests.support.compressing import COPYRIGHT, MAX_PIXELS, SRGB, a_picture, an_exif, decoded, encoded

DURATIONS = [40, 250, 70, 1000, 30, 90]


@pytest.mark.parametrize("percent", [30, 60])
def test_the_result_fits_and_fills_the_limit_in_few_encodes(percent: int) -> None:
    original = encoded(a_picture(size=(320, 240)), "JPEG", quality=90)

    result = compress(original, CompressOptions(percent=percent, format="avif", min_quality=1), MAX_PIXELS)

    limit = len(original) * percent // 100
    assert result.data is not None
    assert 0.8 * limit < len(result.data) <= limit
    assert (result.format, result.content_type, result.extension) == ("avif", "image/avif", "avif")
    assert decoded(result.data).format == "AVIF"
    assert decoded(result.data).size == (320, 240)
    assert 1 <= result.encodes <= 4


def test_rungs_are_the_qualities_with_distinct_files() -> None:
    picture = a_picture(size=(48, 48), noise=90)
    files = {}
    for quality in QUALITIES:
        out = io.BytesIO()
        picture.save(out, "AVIF", quality=quality, speed=9, max_threads=1, autotiling=False)
        files[quality] = out.getvalue()

    last_of_its_kind = [quality for quality in QUALITIES if files[quality] != files.get(quality + 1)]

    assert list(avif_ladder(Picture(picture, "jpeg"), 1000).rungs) == last_of_its_kind


def test_every_quality_maps_to_a_rung() -> None:
    ladder = avif_ladder(Picture(a_picture(), "jpeg"), 1000)

    assert all(ladder.rung_of(quality) in ladder.rungs for quality in QUALITIES)
    assert all(0 <= ladder.rung_of(quality) - quality <= 2 for quality in QUALITIES)


@pytest.mark.parametrize(("percent", "reported"), [(59, 59), (60, 60), (61, 61), (99, 95)])
def test_the_requested_quality_is_reported(percent: int, reported: int) -> None:
    original = encoded(a_picture(), "JPEG", quality=100)

    result = compress(original, CompressOptions(mode="quality", percent=percent, format="avif"), MAX_PIXELS)

    assert result.quality == reported


@pytest.mark.parametrize("min_quality", [59, 60, 61])
def test_the_reported_quality_is_not_below_min_quality(min_quality: int) -> None:
    original = encoded(a_picture(), "JPEG", quality=100)
    options = CompressOptions(percent=1, format="avif", min_quality=min_quality, allow_resize=False)

    result = compress(original, options, MAX_PIXELS)

    assert result.quality is not None
    assert min_quality <= result.quality <= min_quality + 2


@pytest.mark.parametrize("mode", ["1", "P", "L", "LA", "RGB", "RGBX", "RGBA"])
def test_every_mode_is_written(mode: str) -> None:
    original = a_picture("RGBA") if mode == "RGBA" else a_picture("RGB").convert(mode)

    written = decoded(avif_ladder(Picture(original, "png"), 10_000).encode(90))

    assert written.has_transparency_data == (mode == "RGBA")
    assert ImageStat.Stat(written.convert("L")).mean[0] == pytest.approx(
        ImageStat.Stat(original.convert("L")).mean[0], abs=6
    )


def test_alpha_is_kept() -> None:
    original = a_picture("RGBA")

    written = decoded(avif_ladder(Picture(original, "png"), 10_000).encode(60))

    for alpha, x in zip((0, 255), (5, 155), strict=True):
        assert written.getpixel((x, 60))[3] == pytest.approx(alpha, abs=4)  # type: ignore[index]


def test_profile_and_metadata_are_written() -> None:
    exif = an_exif(1).tobytes().removeprefix(b"Exif\0\0")
    picture = Picture(a_picture(), "jpeg", icc_profile=SRGB, exif=exif, xmp=b"<x/>")

    written = decoded(avif_ladder(picture, 10_000).encode(50))

    assert written.info["icc_profile"] == SRGB
    assert written.info["xmp"] == b"<x/>"
    assert written.getexif()[COPYRIGHT] == "somebody"


def test_chrominance_keeps_the_resolution_of_a_jpeg_original() -> None:
    fine, coarse = (
        len(avif_ladder(Picture(_colourful(), "jpeg", jpeg=_jpeg(across)), 10_000).encode(80)) for across in (1, 2)
    )

    assert coarse < 0.9 * fine


def _jpeg(across: int) -> JpegSource:
    return JpegSource(
        ((10,) * 64,) * 2, (across, across), progressive=False, optimised_huffman=False, scan_bytes=10_000
    )


def _colourful() -> Image.Image:
    return a_picture(noise=160)


def test_an_animation_keeps_frames_and_durations() -> None:
    picture = Picture(a_picture(size=(64, 48)), "gif", animation=Animation(_frames, len(DURATIONS), loop=0))

    written = Image.open(io.BytesIO(avif_ladder(picture, 10_000).encode(70)))

    assert getattr(written, "n_frames", 1) == len(DURATIONS)
    for index, milliseconds in enumerate(DURATIONS):
        written.seek(index)
        written.load()
        assert written.info["duration"] == milliseconds
        assert ImageStat.Stat(written.convert("L")).mean[0] == pytest.approx(30 * index, abs=5)


def _frames() -> Iterator[Frame]:
    for index, milliseconds in enumerate(DURATIONS):
        yield Frame(Image.new("RGB", (64, 48), (30 * index,) * 3), milliseconds)


@pytest.mark.parametrize("first", ["RGB", "RGBA"])
def test_an_animation_keeps_alpha_if_any_frame_has_it(first: str) -> None:
    other = "RGB" if first == "RGBA" else "RGBA"

    def frames() -> Iterator[Frame]:
        for mode in (first, other):
            yield Frame(Image.new("RGBA", (32, 32), (200, 0, 0, 100)).convert(mode), 50)

    picture = Picture(Image.new(first, (32, 32)), "gif", animation=Animation(frames, 2, loop=0))

    written = Image.open(io.BytesIO(avif_ladder(picture, 10_000).encode(90)))

    for index, mode in enumerate((first, other)):
        written.seek(index)
        assert written.convert("RGBA").getpixel((9, 9))[3] == pytest.approx(  # type: ignore[index]
            100 if mode == "RGBA" else 255, abs=3
        )
