"""Format "auto": the smallest file that browsers show, that keeps alpha and animation, and that looks the same."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from services.compressor.compress import Compressed, compress
from services.compressor.decoders import Format, open_picture
from services.compressor.encoders import MAX_SIDE
from services.compressor.rendition import Renderer, Rendition
from services.compressor.ssim import ssim
from shared.contracts.messages import CompressOptions
from tests.support.compressing import MAX_PIXELS, a_picture, decoded, encoded
from tests.support.pictures import a_photo
from tests.zoo import ANIMATED, NAMES, specimen

SHOWN_BY_BROWSERS = {"jpeg", "png", "webp", "avif", "gif"}


def compressed(original: bytes, **options: Any) -> Compressed:
    return compress(original, CompressOptions(**options), MAX_PIXELS)


def nearest_browser_format(format_: str, original: bytes) -> str:
    """The original's format, or the nearest one that browsers show."""
    if format_ in {"jpeg", "tiff", "bmp"}:
        return "webp" if "A" in decoded(original).getbands() else "jpeg"
    return format_


@pytest.mark.parametrize("mode", ["size", "quality", "dimensions"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP"])
def test_the_result_is_no_larger_than_in_the_own_format_and_looks_like_it(file_format: str, mode: str) -> None:
    original = encoded(
        a_picture(size=(240, 180), noise=20), file_format, **({} if file_format == "PNG" else {"quality": 95})
    )
    own = nearest_browser_format(file_format.lower(), original)
    first = compressed(original, mode=mode, format=own if own != "png" else "keep")

    result = compressed(original, mode=mode, format="auto")

    assert result.format in SHOWN_BY_BROWSERS
    assert len(result.data or original) <= len(first.data or original)
    assert result.encodes >= first.encodes
    assert result.ssim is not None
    assert first.ssim is not None
    assert result.ssim >= first.ssim - 0.03


def test_a_photograph_becomes_webp_or_avif() -> None:
    original = a_photo(5, 480, 360)

    result = compressed(original, format="auto")

    assert result.format in {"webp", "avif"}
    assert result.data is not None
    assert 2 * len(result.data) < len(original)
    assert result.target_met


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "TIFF"])
def test_auto_keeps_alpha(file_format: str, mode: str) -> None:
    picture = a_picture("RGBA", noise=40)
    original = encoded(
        picture.convert(mode) if file_format != "WEBP" else picture,
        file_format,
        **({} if file_format != "WEBP" else {"quality": 95}),
    )

    result = compressed(original, format="auto")

    assert result.format in {"png", "webp", "avif"}
    assert result.data is not None
    alpha = np.asarray(decoded(result.data).convert("RGBA").getchannel("A")).astype(int)
    wanted = np.asarray(decoded(original).convert("RGBA").getchannel("A")).astype(int)
    assert np.abs(alpha - wanted).mean() < 3


@pytest.mark.parametrize("name", ANIMATED)
def test_auto_keeps_animation(name: str) -> None:
    kind = specimen(name)

    result = compressed(kind.data, format="auto")

    assert result.format in {"png", "webp", "avif", "gif"}
    shown = open_picture(result.data or kind.data, MAX_PIXELS).animation
    assert shown is not None
    assert shown.count == len(kind.milliseconds)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.endswith(("4:4:4", "8 bit", "lossless", "tiff", "bmp", "gif"))]
)
def test_the_result_is_in_a_format_that_browsers_show(name: str) -> None:
    kind = specimen(name)

    result = compressed(kind.data, format="auto")

    assert result.data is None or result.format in SHOWN_BY_BROWSERS
    if result.data is not None:
        assert (decoded(result.data).format or "").lower() == result.format
        similarity = ssim(decoded(kind.data).convert("RGBA").resize(decoded(result.data).size), result.data)
        assert similarity is not None
        assert similarity > 0.8


def test_a_drawing_stays_lossless() -> None:
    drawing = Image.new("RGB", (320, 240), "white")
    drawing.paste("navy", (20, 20, 200, 90))
    drawing.paste("red", (40, 60, 120, 200))
    original = encoded(drawing, "PNG", compress_level=0)

    result = compressed(original, format="auto")

    assert result.data is not None
    assert result.quality is None
    assert decoded(result.data).convert("RGB").tobytes() == drawing.tobytes()


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_picture_too_large_for_webp_is_not_scaled_down_for_it(file_format: str) -> None:
    size = (MAX_SIDE["webp"] + 200, 24)

    result = compressed(encoded(a_picture("RGB", size), file_format), format="auto")

    assert result.format != "webp"
    assert (result.width, result.height) == size


def test_an_animation_that_ends_does_not_become_avif() -> None:
    frames = [a_picture("P", (48, 40), seed=seed) for seed in range(3)]
    original = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100, loop=2)

    assert compressed(original, format="auto").format != "avif"


def test_if_the_first_format_has_to_scale_the_result_with_the_most_pixels_wins() -> None:
    coarse = encoded(a_picture("RGB", (320, 240), noise=90), "JPEG", quality=18)

    jpeg, auto = (compressed(coarse, format=format_) for format_ in ("jpeg", "auto"))

    assert jpeg.width < 320
    assert auto.width > jpeg.width


def test_more_pixels_do_not_count_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    coarse = encoded(a_picture("RGB", (320, 240), noise=90), "JPEG", quality=18)
    encode = Renderer.encode

    def only_jpeg_fits(renderer: Renderer, format_: Format) -> Rendition:
        fitting = encode(renderer, format_)
        too_large = fitting.data.ljust(len(coarse), b"\0")
        return fitting if format_ == "jpeg" else replace(fitting, data=too_large, picture=renderer.picture)

    monkeypatch.setattr(Renderer, "encode", only_jpeg_fits)

    result = compressed(coarse, format="auto")

    assert result.format == "jpeg"
    assert result.target_met


def test_an_animation_above_the_limit_is_delivered_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [a_picture("RGB", (48, 40), seed=seed) for seed in range(3)]
    original = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    monkeypatch.setattr("services.compressor.rendition.MAX_ANIMATION_PIXELS", 1000)
    monkeypatch.setattr("services.compressor.auto_format.MAX_COMPARED_PIXELS", 1000)

    result = compressed(original, format="auto", max_width=40)

    assert result.action == "kept_original"
    assert (result.width, result.height) == (48, 40)


@pytest.mark.parametrize("format_", sorted(MAX_SIDE))
def test_a_picture_above_a_formats_maximum_side_is_scaled_down(format_: str) -> None:
    original = encoded(a_picture("RGB", (MAX_SIDE[format_] + 1, 9)), "PNG")  # type: ignore[index]
    wanted = format_ if format_ in ("jpeg", "webp", "avif") else "keep"

    result = compressed(original, format=wanted, mode="quality", percent=50)

    assert result.data is not None
    assert decoded(result.data).size == (result.width, result.height)
