"""GIF and APNG keep frames, durations, repetitions and transparency."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from services.compressor.compress import Compressed, compress
from services.compressor.decoders import Animation, open_picture
from services.compressor.encoders.gif import gif_ladder
from services.compressor.encoders.gif.gif_file import IndexedFrame, write_gif
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, WIDE_PROFILE, a_picture, encoded

TIMES = [100, 50, 2000, 30, 120]


def frames(mode: str, noise: int = 40) -> list[Image.Image]:
    """A disc that moves over a picture, or over a transparent background; it pauses for one frame."""
    made = []
    for at in (0, 15, 15, 30, 45):
        frame = a_picture("RGB", (120, 80), noise) if mode == "RGB" else Image.new("RGBA", (120, 80))
        ImageDraw.Draw(frame).ellipse((at, 10, at + 40, 50), fill=(255, at, 0))
        made.append(frame)
    return made


def animated(file_format: str, pictures: Sequence[Image.Image], **save: Any) -> bytes:
    """Equal frames are made to differ in one pixel, since Pillow would merge them."""
    pictures = [picture.copy() for picture in pictures]
    pictures[2].putpixel((119, 79), (0, 0, 255))
    out = io.BytesIO()
    save = {"duration": TIMES, "loop": 3} | save
    pictures[0].save(out, file_format, save_all=True, append_images=pictures[1:], **save)
    return out.getvalue()


def compressed(original: bytes, percent: int, **options: Any) -> Compressed:
    return compress(original, CompressOptions(percent=percent, **options), MAX_PIXELS)


def animation(data: bytes) -> Animation:
    opened = open_picture(data, MAX_PIXELS).animation
    assert opened is not None
    return opened


def rgba(data: bytes) -> list[np.ndarray]:
    return [np.asarray(frame.image.convert("RGBA")).astype(int) for frame in animation(data).frames()]


@pytest.mark.parametrize("percent", [15, 50, 95])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("file_format", ["GIF", "PNG"])
def test_frames_durations_and_repetitions_are_kept(file_format: str, mode: str, percent: int) -> None:
    original = animated(file_format, frames(mode), **({"disposal": 2} if file_format == "GIF" else {}))

    result = compressed(original, percent, min_quality=1, allow_resize=False)

    assert result.data is not None
    before, after = animation(original), animation(result.data)
    assert [frame.milliseconds for frame in after.frames()] == TIMES
    assert (after.count, after.loop) == (len(TIMES), before.loop)
    for shown, wanted in zip(rgba(result.data), rgba(original), strict=True):
        assert (shown[..., 3] == wanted[..., 3]).all()
        assert np.abs(shown - wanted).mean() < 16


@pytest.mark.parametrize("file_format", ["GIF", "PNG"])
def test_the_result_is_lossless_if_that_fits(file_format: str) -> None:
    original = animated(file_format, frames("RGBA"))

    result = compressed(original, 99)

    assert result.data is not None
    for shown, wanted in zip(rgba(result.data), rgba(original), strict=True):
        visible = wanted[..., 3] > 0
        assert (shown[visible] == wanted[visible]).all()
        assert (shown[..., 3] == wanted[..., 3]).all()


@pytest.mark.parametrize("file_format", ["GIF", "PNG"])
def test_all_frames_are_scaled(file_format: str) -> None:
    result = compressed(animated(file_format, frames("RGB")), 50, mode="dimensions")

    assert result.data is not None
    assert {frame.image.size for frame in animation(result.data).frames()} == {(60, 40)}
    assert [frame.milliseconds for frame in animation(result.data).frames()] == TIMES


@pytest.mark.parametrize("file_format", ["GIF", "PNG"])
def test_an_animation_too_large_at_min_quality_is_scaled_down(file_format: str) -> None:
    original = animated(file_format, frames("RGB", noise=120))

    result = compressed(original, 10)

    assert result.data is not None
    assert result.target_met
    assert len(result.data) * 10 <= len(original)
    assert result.width < 120


def test_pillow_decodes_the_same_frames() -> None:
    """A decoder independent of ours."""
    original = animated("GIF", frames("RGBA"), disposal=2)

    result = compressed(original, 99)

    with Image.open(io.BytesIO(result.data or b"")) as image:
        assert image.n_frames == len(TIMES)  # type: ignore[attr-defined]
        for index, wanted in enumerate(rgba(original)):
            image.seek(index)
            assert image.info["duration"] == TIMES[index]
            assert (np.asarray(image.convert("RGBA"))[..., 3] == wanted[..., 3]).all()


def test_a_still_gif_loses_colours_only() -> None:
    source = a_picture("RGB", (200, 150), noise=40).quantize(256)

    result = compressed(encoded(source, "GIF"), 60)

    assert result.data is not None
    assert (result.target_met, result.format, result.quality) == (True, "gif", None)
    after = open_picture(result.data, MAX_PIXELS)
    assert after.animation is None
    assert after.image.size == source.size


def test_colours_are_converted_to_srgb() -> None:
    """A GIF cannot contain a profile."""
    wide = a_picture("RGB", noise=20)
    original = encoded(wide, "PNG", icc_profile=WIDE_PROFILE)
    assert open_picture(original, MAX_PIXELS).icc_profile

    gif = gif_ladder(open_picture(original, MAX_PIXELS), len(original))
    shown = open_picture(gif.encode(256), MAX_PIXELS).image.convert("RGB")
    assert np.abs(np.asarray(shown).astype(int) - np.asarray(wide).astype(int)).max() > 20


def test_durations_are_limited_to_the_formats_maximum() -> None:
    one = np.zeros((2, 3), dtype=np.uint8)
    entries = np.array([[1, 2, 3, 255], [0, 0, 0, 0]], dtype=np.uint8)

    data = write_gif([IndexedFrame(one, 10**7), IndexedFrame(one + 1, 0)], entries, loop=0)

    assert next(frame.milliseconds for frame in animation(data).frames()) == 655350
    assert animation(data).loop == 0
