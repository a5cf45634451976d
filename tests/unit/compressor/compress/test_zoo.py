"""Every kind of picture, compressed to half: size, format, pixels, alpha, profile and frames are as promised."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence
from PIL.JpegImagePlugin import JpegImageFile

from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError
from services.compressor.decoders import open_picture, to_srgb
from shared.contracts.error_codes import ErrorCode
from shared.contracts.messages import CompressOptions, OutputFormat
from tests.support.compressing import MAX_PIXELS
from tests.zoo import ANIMATED, BROKEN, NAMES, UNSUPPORTED, WHOLE_OR_BROKEN, specimen

CONTENT_TYPES = {
    "jpeg": ("jpg", "image/jpeg"),
    "png": ("png", "image/png"),
    "webp": ("webp", "image/webp"),
    "avif": ("avif", "image/avif"),
    "gif": ("gif", "image/gif"),
    "tiff": ("tif", "image/tiff"),
    "bmp": ("bmp", "image/bmp"),
}
ORIENTATION, COPYRIGHT = 0x0112, 0x8298
MAX_DIFFERENCE = 9.0
"""The mean difference per channel, of 255, that a result may have."""


def compressed(data: bytes, **options: Any) -> Compressed:
    return compress(data, CompressOptions(**options), MAX_PIXELS)


def decoded(data: bytes) -> Image.Image:
    """By Pillow, not by our decoders."""
    image = JpegImageFile(io.BytesIO(data)) if data.startswith(b"\xff\xd8") else Image.open(io.BytesIO(data))
    image.load()
    return image


def shown(data: bytes) -> Image.Image:
    """As a browser displays it, in RGBA."""
    picture = open_picture(data, MAX_PIXELS)
    return to_srgb(picture.image, picture.icc_profile).convert("RGBA")


def on_page(image: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def assert_alike(result: Image.Image, wanted: Image.Image) -> None:
    """A scaled-down result is scaled back. Compared on two backgrounds, so that alpha counts as well as colour."""
    scaled = result.resize(wanted.size)
    for background in ("white", "black"):
        one, other = (
            np.asarray(Image.alpha_composite(Image.new("RGBA", wanted.size, background), each)).astype(int)
            for each in (scaled, wanted)
        )
        assert np.abs(one - other).mean() <= MAX_DIFFERENCE


@pytest.mark.parametrize("name", NAMES)
def test_the_result_fits_and_looks_like_the_original(name: str) -> None:
    kind = specimen(name)

    result = compressed(kind.data)

    data = result.data or kind.data
    assert result.data is not None or result.action == "kept_original"
    assert result.format == kind.format
    assert (result.extension, result.content_type) == CONTENT_TYPES[kind.format]
    assert (result.original_width, result.original_height) == kind.shown.size
    assert result.target_met == (2 * len(data) <= len(kind.data))
    assert result.ssim is None or 0.85 <= result.ssim <= 1
    assert result.quality is None or result.quality >= 30
    assert_alike(shown(data), shown(kind.data))
    if result.action == "kept_original":
        return
    assert result.data is not None
    assert len(result.data) < len(kind.data)
    written = decoded(result.data)
    assert (written.format or "").lower() == kind.format
    assert written.size == (result.width, result.height)
    assert not written.getexif().get(ORIENTATION)
    assert COPYRIGHT not in written.getexif()
    assert bool(open_picture(result.data, MAX_PIXELS).icc_profile) == kind.profiled
    if kind.alpha:
        assert "A" in open_picture(result.data, MAX_PIXELS).image.convert("RGBA").getbands()


@pytest.mark.parametrize("name", ANIMATED)
def test_frames_durations_and_repetitions_are_kept(name: str) -> None:
    kind = specimen(name)

    result = compressed(kind.data, percent=95)

    animation = open_picture(result.data or kind.data, MAX_PIXELS).animation
    assert animation is not None
    assert tuple(frame.milliseconds for frame in animation.frames()) == kind.milliseconds
    assert animation.loop == kind.loop
    original = open_picture(kind.data, MAX_PIXELS).animation
    assert original is not None
    for frame, before in zip(animation.frames(), original.frames(), strict=True):
        one, other = (np.asarray(each.image.convert("RGBA").resize((32, 24))).astype(int) for each in (frame, before))
        assert np.abs(one - other).mean() <= MAX_DIFFERENCE
    by_pillow = Image.open(io.BytesIO(result.data or kind.data))
    assert len(list(ImageSequence.Iterator(by_pillow))) == len(kind.milliseconds)


@pytest.mark.parametrize("format_", ["jpeg", "webp", "avif", "auto"])
@pytest.mark.parametrize("name", NAMES)
def test_the_result_has_the_requested_format(name: str, format_: OutputFormat) -> None:
    kind = specimen(name)

    result = compressed(kind.data, format=format_, percent=95)

    if result.action == "kept_original":
        assert result.format == kind.format
        return
    assert result.data is not None
    assert len(result.data) < len(kind.data)
    assert format_ in {result.format, "auto"}
    assert (result.extension, result.content_type) == CONTENT_TYPES[result.format]
    written = decoded(result.data)
    assert (written.format or "").lower() == result.format
    before = shown(kind.data)
    if format_ == "jpeg":
        before = on_page(before)
    else:
        assert getattr(written, "n_frames", 1) == max(len(kind.milliseconds), 1)
    assert_alike(shown(result.data), before)


@pytest.mark.parametrize("name", WHOLE_OR_BROKEN)
def test_a_truncated_file_is_refused_or_decodes_completely(name: str) -> None:
    data = specimen(name).data
    whole = open_picture(data, MAX_PIXELS).image
    refusals: set[ErrorCode] = set()

    for cut in range(0, len(data), max(10, len(data) // 100 * 10)):
        part = data[:cut]
        try:
            result = compress(part, CompressOptions(percent=99, allow_resize=False), MAX_PIXELS, measure_ssim=False)
        except CompressError as error:
            refusals.add(error.code)
            continue
        assert open_picture(part, MAX_PIXELS).image.tobytes() == whole.tobytes()
        assert (result.width, result.height) == whole.size
    assert refusals == {ErrorCode.DECODE_ERROR, ErrorCode.UNSUPPORTED_FORMAT}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused(name: str) -> None:
    with pytest.raises(CompressError) as caught:
        compressed(BROKEN[name]())

    assert caught.value.code is ErrorCode.DECODE_ERROR


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_other_file_types_are_refused(name: str) -> None:
    with pytest.raises(CompressError) as caught:
        compressed(UNSUPPORTED[name][0])

    assert caught.value.code is ErrorCode.UNSUPPORTED_FORMAT
