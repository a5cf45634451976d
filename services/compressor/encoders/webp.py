"""WebP: lossy, with alpha and animation; for graphics also lossless."""

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PIL import Image

from services.compressor.decoders import Animation, Picture, is_grey_profile, to_basic_mode, to_srgb
from services.compressor.encoders.frame_sequence import FrameSequence, start_of
from services.compressor.rate_control import (
    QUALITIES,
    SAMPLE_FRAMES,
    Ladder,
    RateModel,
    activity_sample,
    predict_animation_sizes,
    predict_sizes,
)

MAX_SIDE = 16383
"""In pixels; the format has no room for more."""

_RATE_MODEL = RateModel(
    curve=(
        (1, -1.611),
        (5, -1.286),
        (10, -1.08),
        (20, -0.801),
        (30, -0.582),
        (40, -0.398),
        (50, -0.263),
        (60, -0.152),
        (70, -0.013),
        (75, 0.082),
        (80, 0.289),
        (85, 0.49),
        (90, 0.704),
        (95, 1.053),
    ),
    at_50=(0.049, 0.036, 1.277, 0.005, 0.016),
    slope=(-0.004, -0.007, -0.15, -0.025, -0.018),
)
# libwebp's effort: 4 takes 0.11 s a megapixel, 2 half of it for 6 % more bytes, 0 a quarter of it for a third more.
# 5 saves 2 % and loses as much likeness, 6 takes five times as long.
_EFFORT, _LARGE_EFFORT = 4, 2
_LARGE_PIXELS = 40_000_000
_LOSSLESS_PIXELS = 25_000_000
_LOSSLESS_PART = 0.65  # of the original's bytes: more would hardly fit
_LOSSLESS = {"lossless": True, "method": 4, "quality": 75}


def webp_ladder(picture: Picture, original_bytes: int) -> Ladder:
    if picture.animation:
        return _animated(picture, picture.animation)
    if is_grey_profile(picture.icc_profile):  # WebP has colours only, and browsers heed no other profile
        picture = replace(picture, image=to_srgb(picture.image, picture.icc_profile), icc_profile=None)
    image = to_basic_mode(picture.image)
    lossless = partial(_encode, picture, image, **_LOSSLESS) if _lossless_pays(picture, image, original_bytes) else None

    def encode(quality: int) -> bytes:
        return _encode(picture, image, quality=quality, method=_effort(image))

    def expected(limit: int) -> Sequence[float]:
        return _expected(picture, image, limit)

    return Ladder(QUALITIES, encode, expected, lossless=lossless)


def _encode(picture: Picture, image: Image.Image, **how: int) -> bytes:
    """Alpha is kept without loss."""
    out = io.BytesIO()
    image.save(out, "WEBP", **how, **picture.pillow_metadata())
    return out.getvalue()


def _effort(image: Image.Image, frames: int = 1) -> int:
    return _EFFORT if image.width * image.height * frames <= _LARGE_PIXELS else _LARGE_EFFORT


def _expected(picture: Picture, image: Image.Image, limit: int) -> list[float]:
    effort = _effort(image)
    fixed = sum(map(len, picture.pillow_metadata().values()))
    if "A" in image.getbands():
        fixed += _alpha_bytes(image)
        image = _on_black(image)

    def encoded_bytes(sample: Image.Image, quality: int) -> int:
        return _length(sample, quality=quality, method=effort)

    return [size + fixed for size in predict_sizes(image, encoded_bytes, _RATE_MODEL, limit - fixed)]


def _length(image: Image.Image, **how: int) -> int:
    out = io.BytesIO()
    image.save(out, "WEBP", **how)
    return len(out.getvalue())


def _alpha_bytes(image: Image.Image) -> int:
    """Alpha takes the same at every quality."""
    black = Image.new("L", image.size)
    return _length(Image.merge("RGBA", (black, black, black, image.getchannel("A"))), quality=1, method=2)


def _on_black(image: Image.Image) -> Image.Image:
    """As libwebp sees it: what is wholly clear loses its colour, nothing else does."""
    black = Image.new("RGB", image.size)
    black.paste(image.convert("RGB"), mask=image.getchannel("A").point(lambda alpha: 255 if alpha else 0))
    return black


def _lossless_pays(picture: Picture, image: Image.Image, original_bytes: int) -> bool:
    """Never for what was a JPEG; else a mosaic tells."""
    pixels = image.width * image.height
    if picture.format == "jpeg" or pixels > _LOSSLESS_PIXELS:
        return False
    sample = activity_sample(image)
    tried = sample.image if sample else image
    expected = _length(tried, **_LOSSLESS) * pixels / (tried.width * tried.height)
    return expected <= original_bytes * _LOSSLESS_PART


def _animated(picture: Picture, animation: Animation) -> Ladder:
    """Each frame as whichever is smaller, lossy or not: a third of the bytes for graphics, at no cost for films."""
    effort = _effort(picture.image, animation.count)

    def encode(quality: int, frames: int = animation.count) -> bytes:
        reel = FrameSequence(start_of(animation, frames))
        out = io.BytesIO()
        reel.save(
            out,
            "WEBP",
            save_all=True,
            duration=reel.milliseconds,
            loop=animation.loop,
            quality=quality,
            method=effort,
            allow_mixed=True,
            **picture.pillow_metadata(),
        )
        return out.getvalue()

    def encoded_bytes(frames: int, quality: int) -> int:
        return len(encode(quality, frames))

    def sampled(sample: Image.Image, quality: int) -> int:
        return _length(sample, quality=quality, method=effort)

    def expected(limit: int) -> Sequence[float]:
        if animation.count <= SAMPLE_FRAMES:  # a run would be as dear as all of it
            part = predict_sizes(to_basic_mode(picture.image), sampled, _RATE_MODEL, limit / animation.count)
            return [size * animation.count for size in part]
        return predict_animation_sizes(animation.count, encoded_bytes, _RATE_MODEL)

    return Ladder(QUALITIES, encode, expected)
