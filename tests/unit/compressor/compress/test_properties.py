"""Properties of every result, for random formats, modes, sizes, contents and options."""

import io
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from services.compressor.compress import Compressed, compress
from services.compressor.compress_error import CompressError
from services.compressor.decoders import Picture, has_alpha, open_picture, to_basic_mode
from shared.contracts.messages import CompressOptions
from tests.support.compressing import (
    COPYRIGHT,
    MAX_PIXELS,
    ORIENTATION,
    SRGB,
    WIDE_PROFILE,
    a_picture,
    an_exif,
    encoded,
)

MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "AVIF": ("RGB", "RGBA", "L"),
    "PNG": ("RGB", "RGBA", "L", "LA", "P", "I;16"),
    "TIFF": ("RGB", "RGBA", "L", "CMYK", "I;16"),
    "GIF": ("P", "L"),
    "BMP": ("RGB", "L", "P"),
}
MAGIC = {
    "jpeg": (0, b"\xff\xd8\xff"),
    "png": (0, b"\x89PNG\r\n\x1a\n"),
    "webp": (8, b"WEBP"),
    "avif": (4, b"ftypavi"),
    "gif": (0, b"GIF8"),
    "tiff": (0, b"II*\0"),
    "bmp": (0, b"BM"),
}
EXTENSIONS = {"jpeg": "jpg", "tiff": "tif"}
WITHOUT_QUALITY = {"png", "gif", "bmp"}
LOWEST_QUALITY = {"tiff": 24}
# Mostly small: AVIF's encoder takes some milliseconds even for the smallest picture.
sides = st.integers(1, 40) | st.sampled_from([1, 7, 8, 16, 17, 64, 120])
slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def originals(draw: st.DrawFn) -> bytes:
    file_format = draw(st.sampled_from(sorted(MODES)))
    size = (draw(sides), draw(sides))
    mode, noise = draw(st.sampled_from(MODES[file_format])), draw(st.sampled_from((0, 10, 60, 255)))
    frames = [a_picture(mode, size, noise, draw(st.integers(0, 3)))]
    save: dict[str, Any] = {}
    if file_format in {"JPEG", "PNG", "WEBP", "AVIF"}:
        if draw(st.booleans()):
            save["exif"] = an_exif(draw(st.integers(1, 8)))
        if mode in {"RGB", "RGBA"} and draw(st.booleans()):
            save["icc_profile"] = draw(st.sampled_from((SRGB, WIDE_PROFILE)))
    if file_format in {"JPEG", "WEBP", "AVIF"}:
        save["quality"] = draw(st.integers(1, 100))
    if file_format in {"PNG", "WEBP", "GIF"} and mode in {"RGB", "RGBA", "P"} and draw(st.integers(0, 3)) == 0:
        save |= {"save_all": True, "append_images": [frames[0].transpose(Image.Transpose.ROTATE_180)], "duration": 70}
    return encoded(frames[0], file_format, **save)


boxes = st.none() | st.integers(1, 150)
any_options = st.builds(
    CompressOptions,
    percent=st.integers(1, 99),
    mode=st.sampled_from(["size", "size", "quality", "dimensions"]),
    format=st.sampled_from(["keep", "keep", "jpeg", "webp", "avif", "auto"]),
    max_width=boxes,
    max_height=boxes,
    min_quality=st.integers(1, 95),
    allow_resize=st.booleans(),
    metadata=st.sampled_from(["strip", "copyright", "keep"]),
)


@given(originals(), any_options)
@settings(slow, max_examples=120)
def test_every_result_fulfils_size_format_quality_and_alpha_rules(original: bytes, options: CompressOptions) -> None:
    result = compress(original, options, MAX_PIXELS)

    before = open_picture(original, MAX_PIXELS)
    assert (result.original_width, result.original_height) == before.image.size
    assert result.data is not None or result.action == "kept_original"
    assert 0 <= result.encodes <= 100
    check_target(result, original, options)
    if result.action == "kept_original":
        assert (result.format, result.quality, result.ssim) == (before.format, None, 1.0)
        assert (result.width, result.height) == before.image.size
        check_kept(result.data, original, options)
        return
    assert result.data is not None
    assert len(result.data) < len(original)
    check_file(result, result.data, before.format, options)
    check_dimensions(result, options)
    check_quality(result, options)
    assert result.ssim is None or -1 <= result.ssim <= 1
    assert (result.ssim is None) == (min(result.width, result.height) < 8)
    check_alpha_and_frames(result, result.data, original)


def check_kept(data: bytes | None, original: bytes, options: CompressOptions) -> None:
    """The same pixels, without the metadata that the options remove."""
    if options.metadata == "keep":
        assert data is None
    if data is None:
        return
    assert len(data) <= len(original)
    before, after = open_picture(original, MAX_PIXELS), open_picture(data, MAX_PIXELS)
    assert after.image.tobytes() == before.image.tobytes()
    assert after.icc_profile == before.icc_profile
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert options.metadata != "strip" or COPYRIGHT not in image.getexif()


def check_target(result: Compressed, original: bytes, options: CompressOptions) -> None:
    met = 100 * len(result.data or original) <= options.percent * len(original)
    assert result.target_met == (met or options.mode != "size")


def check_file(result: Compressed, data: bytes, before: str, options: CompressOptions) -> None:
    assert result.format == (before if options.format == "keep" else options.format) or options.format == "auto"
    assert options.format != "auto" or result.format in {"jpeg", "png", "webp", "avif", "gif"}
    at, magic = MAGIC[result.format]
    assert data[at:].startswith(magic)
    assert result.extension == EXTENSIONS.get(result.format, result.format)
    assert result.content_type == f"image/{result.format}"
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.size == (result.width, result.height)
        exif = image.getexif()
        assert exif.get(ORIENTATION, 1) == 1
        assert options.metadata != "strip" or COPYRIGHT not in exif


def check_dimensions(result: Compressed, options: CompressOptions) -> None:
    """Inside the maximum size, no larger than the original, with its proportions except for rounding."""
    width, height = result.original_width, result.original_height
    scale = options.percent / 100 if options.mode == "dimensions" else 1.0
    box = (options.max_width or width, options.max_height or height)
    assert 1 <= result.width <= min(width, box[0])
    assert 1 <= result.height <= min(height, box[1])
    scale = min(scale, box[0] / width, box[1] / height)
    wanted = tuple(min(max(1, round(side * scale)), most) for side, most in zip((width, height), box, strict=True))
    if options.mode != "size" or not options.allow_resize:
        assert (result.width, result.height) == wanted
        return
    across, down = result.width / wanted[0], result.height / wanted[1]
    assert across <= 1 + 1e-9
    assert down <= 1 + 1e-9
    assert abs(across - down) <= 1 / min(wanted) + 1e-9


def check_quality(result: Compressed, options: CompressOptions) -> None:
    if result.quality is None:
        return
    assert 1 <= result.quality <= 95
    assert result.format not in WITHOUT_QUALITY
    if options.mode == "quality" and options.format != "auto":
        assert result.quality <= max(options.percent, LOWEST_QUALITY.get(result.format, 1))
    if options.mode == "size" and options.format != "auto":
        assert result.quality >= options.min_quality


def check_alpha_and_frames(result: Compressed, data: bytes, original: bytes) -> None:
    if result.format == "jpeg":
        return
    before, after = open_picture(original, MAX_PIXELS), open_picture(data, MAX_PIXELS)
    if result.format not in {"tiff", "bmp"}:
        assert (after.animation.count if after.animation else 1) <= (before.animation.count if before.animation else 1)
        assert after.animation or not frames_differ(before.scaled_to(result.width, result.height))
    if has_alpha(before.image) and (result.width, result.height) == before.image.size and not before.animation:
        assert has_alpha(after.image)
        if result.format in {"webp", "tiff"}:
            one, other = (to_basic_mode(picture.image).getchannel("A") for picture in (before, after))
            assert not ImageChops.difference(one, other).getbbox()


def frames_differ(picture: Picture) -> bool:
    """Whether so much changes that no encoder merges the frames."""
    if not picture.animation or min(picture.image.size) < 8:
        return False
    first, second, *_ = (frame.image.convert("L") for frame in picture.animation.frames())
    return ImageStat.Stat(ImageChops.difference(first, second)).mean[0] > 20


@given(originals(), any_options, st.data())
@settings(slow, max_examples=120)
def test_a_damaged_file_is_compressed_or_raises_compress_error(
    original: bytes, options: CompressOptions, data: st.DataObject
) -> None:
    damaged = bytearray(original)
    for at in data.draw(st.lists(st.integers(0, len(original) - 1), max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(len(damaged) // 2, len(damaged)) | st.just(len(damaged)))

    try:
        result = compress(bytes(damaged[:cut]), options, 100_000)
    except CompressError:
        return
    if result.data is not None:
        with Image.open(io.BytesIO(result.data)) as image:
            image.load()
            assert image.size == (result.width, result.height)
