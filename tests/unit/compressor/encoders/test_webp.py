"""WebP: lossy with exact alpha, lossless for graphics, animated."""

import io
from collections.abc import Iterator

import pytest
from PIL import Image, ImageChops, ImageDraw

from services.compressor.compress import compress
from services.compressor.decoders import Animation, Frame, Picture
from services.compressor.encoders.webp import webp_ladder
from shared.contracts.messages import CompressOptions
from tests.support.compressing import COPYRIGHT, MAX_PIXELS, SRGB, a_picture, an_exif, decoded, encoded

DURATIONS = [40, 250, 70, 1000, 30, 90]


@pytest.mark.parametrize("percent", [20, 50, 80])
@pytest.mark.parametrize("source", ["WEBP", "JPEG"])
def test_the_result_fits_and_fills_the_limit_in_few_encodes(source: str, percent: int) -> None:
    original = encoded(a_picture(size=(400, 300)), source, quality=90)

    result = compress(original, CompressOptions(percent=percent, format="webp", min_quality=1), MAX_PIXELS)

    limit = len(original) * percent // 100
    assert result.data is not None
    assert 0.8 * limit < len(result.data) <= limit
    assert result.target_met
    assert (result.format, result.content_type, result.extension) == ("webp", "image/webp", "webp")
    assert decoded(result.data).format == "WEBP"
    assert decoded(result.data).size == (result.width, result.height) == (400, 300)
    assert 1 <= result.encodes <= 4


@pytest.mark.parametrize("size", [(1, 1), (17, 3), (90, 70), (700, 500)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBX", "RGBA", "LA"])
def test_sizes_are_predicted(mode: str, size: tuple[int, int]) -> None:
    """Within a fifth for a picture large enough to be sampled; any other picture gets a rough guess."""
    ladder = webp_ladder(Picture(_with(mode, size), "jpeg"), 10**6)
    length = len(ladder.encode(60))

    sizes = ladder.expected_sizes(length)

    assert len(sizes) == len(ladder.rungs)
    assert list(sizes) == sorted(sizes)
    assert min(sizes) > 0
    if size == (700, 500):
        assert sizes[ladder.rungs.index(60)] == pytest.approx(length, rel=0.2)


def _with(mode: str, size: tuple[int, int]) -> Image.Image:
    if mode == "RGBX":
        return a_picture("RGB", size, noise=60).convert("RGBX")
    if mode == "LA":
        return a_picture("RGBA", size, noise=60).convert("LA")
    return a_picture(mode, size, noise=60)


@pytest.mark.parametrize("lossless", [True, False])
def test_alpha_is_lossless(lossless: bool) -> None:
    original = encoded(a_picture("RGBA"), "WEBP", lossless=lossless)

    result = compress(original, CompressOptions(percent=80), MAX_PIXELS)

    assert result.data is not None
    picture = decoded(result.data)
    assert picture.mode == "RGBA"
    assert not ImageChops.difference(picture.getchannel("A"), decoded(original).getchannel("A")).getbbox()


def test_a_drawing_is_lossless() -> None:
    drawing = _drawing(0)
    original = encoded(drawing, "PNG", compress_level=1)

    result = compress(original, CompressOptions(percent=60, format="webp"), MAX_PIXELS)

    assert result.data is not None
    assert result.quality is None
    assert result.encodes == 1
    assert not ImageChops.difference(decoded(result.data).convert("RGB"), drawing).getbbox()


def test_lossless_is_not_tried_for_a_photograph() -> None:
    assert webp_ladder(Picture(a_picture(size=(320, 240)), "webp"), 10_000).lossless is None


def test_profile_and_metadata_are_written() -> None:
    exif = an_exif(1).tobytes().removeprefix(b"Exif\0\0")
    picture = Picture(a_picture(), "jpeg", icc_profile=SRGB, exif=exif, xmp=b"<x/>")

    written = decoded(webp_ladder(picture, 10_000).encode(50))

    assert written.info["icc_profile"] == SRGB
    assert written.info["xmp"] == b"<x/>"
    assert written.getexif()[COPYRIGHT] == "somebody"


def test_an_animation_keeps_frames_durations_and_repetitions() -> None:
    picture = Picture(_drawing(0), "gif", animation=Animation(_drawings, len(DURATIONS), loop=3))
    ladder = webp_ladder(picture, 10_000)

    written = Image.open(io.BytesIO(ladder.encode(70)))

    assert getattr(written, "n_frames", 1) == len(DURATIONS)
    assert written.info["loop"] == 3
    for index, milliseconds in enumerate(DURATIONS):
        written.seek(index)
        written.load()
        assert written.info["duration"] == milliseconds
        assert written.convert("RGB").getpixel((20 + 10 * index, 60)) == pytest.approx((200, 30, 30), abs=24)
    assert list(ladder.expected_sizes(5000)) == sorted(ladder.expected_sizes(5000))


def test_a_higher_quality_takes_more_bytes() -> None:
    ladder = webp_ladder(Picture(a_picture(size=(320, 240)), "jpeg"), 10_000)

    assert len(ladder.encode(20)) < len(ladder.encode(60)) < len(ladder.encode(90))


def _drawings() -> Iterator[Frame]:
    for index, milliseconds in enumerate(DURATIONS):
        yield Frame(_drawing(index), milliseconds)


def _drawing(step: int) -> Image.Image:
    drawing = Image.new("RGB", (320, 240), "white")
    ImageDraw.Draw(drawing).rectangle((10 + 10 * step, 40, 30 + 10 * step, 90), fill=(200, 30, 30))
    ImageDraw.Draw(drawing).line((0, 120, 319, 239), fill="navy", width=3)
    return drawing
