"""WebP: lossy, with alpha and animation; also lossless for graphics."""

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PIL import Image

from services.compressor.decoders import Animation, Picture, is_grey_profile, to_basic_mode, to_srgb
from services.compressor.encoders.frame_sequence import FrameSequence, first_frames
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
"""In pixels: the limit of the format."""

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
# libwebp's method: 4 takes 0.11 s per megapixel; 2 takes half of that and 6 % more bytes; 0 takes a quarter and a third
# more bytes. 5 saves 2 % and loses as much similarity; 6 takes five times as long.
_METHOD, _LARGE_METHOD = 4, 2
_LARGE_PIXELS = 40_000_000
_MAX_LOSSLESS_PIXELS = 25_000_000
_MAX_LOSSLESS_PART = 0.65  # of the original's bytes: a larger file would hardly fit
_LOSSLESS = {"lossless": True, "method": 4, "quality": 75}


def webp_ladder(picture: Picture, original_bytes: int) -> Ladder:
    """Rungs are qualities."""
    if picture.animation:
        return _animated(picture, picture.animation)
    if is_grey_profile(picture.icc_profile):  # WebP pixels are RGB, and browsers ignore other profiles
        picture = replace(picture, image=to_srgb(picture.image, picture.icc_profile), icc_profile=None)
    image = to_basic_mode(picture.image)
    lossless = partial(_encode, picture, image, **_LOSSLESS) if _lossless_pays(picture, image, original_bytes) else None

    def encode(quality: int) -> bytes:
        return _encode(picture, image, quality=quality, method=_method(image))

    def expected(limit: int) -> Sequence[float]:
        return _expected(picture, image, limit)

    return Ladder(QUALITIES, encode, expected, lossless=lossless)


def _encode(picture: Picture, image: Image.Image, **settings: int) -> bytes:
    """Alpha is lossless."""
    out = io.BytesIO()
    image.save(out, "WEBP", **settings, **picture.pillow_metadata())
    return out.getvalue()


def _method(image: Image.Image, frames: int = 1) -> int:
    return _METHOD if image.width * image.height * frames <= _LARGE_PIXELS else _LARGE_METHOD


def _expected(picture: Picture, image: Image.Image, limit: int) -> list[float]:
    method = _method(image)
    overhead = sum(map(len, picture.pillow_metadata().values()))
    if "A" in image.getbands():
        overhead += _alpha_bytes(image)
        image = _on_black(image)

    def encoded_bytes(sample: Image.Image, quality: int) -> int:
        return _length(sample, quality=quality, method=method)

    return [size + overhead for size in predict_sizes(image, encoded_bytes, _RATE_MODEL, limit - overhead)]


def _length(image: Image.Image, **settings: int) -> int:
    out = io.BytesIO()
    image.save(out, "WEBP", **settings)
    return len(out.getvalue())


def _alpha_bytes(image: Image.Image) -> int:
    """The bytes of the alpha channel, the same at every quality."""
    black = Image.new("L", image.size)
    return _length(Image.merge("RGBA", (black, black, black, image.getchannel("A"))), quality=1, method=2)


def _on_black(image: Image.Image) -> Image.Image:
    """As libwebp encodes it: fully transparent pixels lose their colour, all others keep it."""
    black = Image.new("RGB", image.size)
    black.paste(image.convert("RGB"), mask=image.getchannel("A").point(lambda alpha: 255 if alpha else 0))
    return black


def _lossless_pays(picture: Picture, image: Image.Image, original_bytes: int) -> bool:
    """Whether a lossless file could fit: predicted from a sample. Never for a JPEG original."""
    pixels = image.width * image.height
    if picture.format == "jpeg" or pixels > _MAX_LOSSLESS_PIXELS:
        return False
    sample = activity_sample(image)
    sampled = sample.image if sample else image
    expected = _length(sampled, **_LOSSLESS) * pixels / (sampled.width * sampled.height)
    return expected <= original_bytes * _MAX_LOSSLESS_PART


def _animated(picture: Picture, animation: Animation) -> Ladder:
    """Each frame is lossy or lossless, whichever is smaller: graphics then take a third of the bytes."""
    method = _method(picture.image, animation.count)

    def encode(quality: int, frames: int = animation.count) -> bytes:
        sequence = FrameSequence(first_frames(animation, frames))
        out = io.BytesIO()
        sequence.save(
            out,
            "WEBP",
            save_all=True,
            duration=sequence.milliseconds,
            loop=animation.loop,
            quality=quality,
            method=method,
            allow_mixed=True,
            **picture.pillow_metadata(),
        )
        return out.getvalue()

    def encoded_bytes(frames: int, quality: int) -> int:
        return len(encode(quality, frames))

    def still_bytes(sample: Image.Image, quality: int) -> int:
        return _length(sample, quality=quality, method=method)

    def expected(limit: int) -> Sequence[float]:
        if animation.count <= SAMPLE_FRAMES:  # the sample would be the whole animation
            per_frame = predict_sizes(to_basic_mode(picture.image), still_bytes, _RATE_MODEL, limit / animation.count)
            return [size * animation.count for size in per_frame]
        return predict_animation_sizes(animation.count, encoded_bytes, _RATE_MODEL)

    return Ladder(QUALITIES, encode, expected)
